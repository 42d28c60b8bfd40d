import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "./fail.ts";
import { listOperations, type OpenApiDocument } from "./openapi.ts";

// openapi-typescript needs an older compiler than the project's, which is why it is in a workspace.
const GENERATOR = fileURLToPath(
  new URL("../../clients/typescript/node_modules/.bin/openapi-typescript", import.meta.url),
);

/** The types of the API, as TypeScript declarations. */
export function generateApiTypes(document: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), "roster-types-"));
  try {
    writeFileSync(join(folder, "openapi.json"), JSON.stringify(document));
    // What has a default may be left out of a request.
    const args = ["openapi.json", "--output", "openapi.d.ts", "--default-non-nullable", "false"];
    const { status, stdout, stderr, error } = spawnSync(GENERATOR, args, {
      cwd: folder,
      encoding: "utf8",
    });
    if (error) throw error;
    if (status !== 0) throw new UsageError(`${GENERATOR}\n${stdout}${stderr}`);
    return readFileSync(join(folder, "openapi.d.ts"), "utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The paths whose POST takes an `Idempotency-Key`, as a TypeScript module. */
export function generateReplayable(document: OpenApiDocument): string {
  const paths = listOperations(document)
    .filter(({ parameters }) =>
      parameters?.some(({ $ref }) => $ref?.endsWith("/header-Idempotency-Key")),
    )
    .map(({ path }) => `  ${JSON.stringify(path)},\n`);
  const comment =
    "/** The paths whose POST takes an `Idempotency-Key`. Written by `npm run types:api`. */";
  return `${comment}\nexport const REPLAYABLE: ReadonlySet<string> = new Set([\n${paths.join("")}]);\n`;
}
