// npm run check:breaking [-- COMMIT]: compares the OpenAPI document with the one of a commit, tag or branch, by default of the previous
// release. Fails if clients would break and the version does not say so.
import { spawnSync } from "node:child_process";
import { type ApiDocument, findBreakingChanges } from "./lib/breaking-changes.ts";
import { readCommandLine } from "./lib/command-line.ts";
import { buildDocument } from "./lib/document.ts";
import { main, UsageError } from "./lib/fail.ts";
import { readPreviousRelease, withPastProject } from "./lib/past-release.ts";
import { announcesBreak } from "./lib/versions.ts";

const MAX_BYTES = 64 * 1024 * 1024;
const PRINT = `const { buildDocument } = await import("./scripts/lib/document.ts");
process.stdout.write(JSON.stringify(await buildDocument()));`;

type VersionedDocument = ApiDocument & { info: { version: string } };

const USAGE = `Usage:
  npm run check:breaking [-- COMMIT]
Compares the OpenAPI document with the one of a commit, tag or branch, by default of the previous release.
Fails if clients would break and the version does not say so.`;

await main(async () => {
  const { positionals } = readCommandLine(USAGE, { allowPositionals: true });
  const ref = positionals[0] || readPreviousRelease().commit;
  const base = await withPastProject(ref, async (folder) => buildPast(folder, ref));
  const head = (await buildDocument()) as VersionedDocument;
  const changes = findBreakingChanges(base, head);
  const versions = `${base.info.version} → ${head.info.version}`;
  if (changes.length === 0) return console.log(`No client of ${ref} breaks (${versions}).`);
  console.log(changes.map((change) => `- ${change}`).join("\n"));
  if (announcesBreak(base.info.version, head.info.version)) {
    return console.log(
      `${changes.length} changes break clients, which the version announces (${versions}).`,
    );
  }
  throw new UsageError(
    `${changes.length} changes break clients of ${ref}. Keep what they use, or raise the version in package.json ` +
      "(before 1.0.0 the second number, then the first), and describe the change in CHANGELOG.md.",
  );
});

function buildPast(folder: string, ref: string): VersionedDocument {
  const flags = ["--input-type=module", "--eval", PRINT];
  const { status, stdout, stderr } = spawnSync(process.execPath, flags, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: MAX_BYTES,
  });
  if (status === 0) return JSON.parse(stdout);
  throw new UsageError(`The OpenAPI document of ${ref} cannot be built:\n${stderr}`);
}
