// npm run check:openapi: lints the OpenAPI document with the rules of Redocly, Spectral and OWASP, whose exceptions are in redocly.yaml
// and .spectral.yaml, and compiles a client (test/client/client.ts) against the types that openapi-typescript generates from it.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateApiTypes } from "./lib/api-types.ts";
import { buildDocument } from "./lib/document.ts";
import { main, UsageError } from "./lib/fail.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const CLIENT = join(ROOT, "test/client");

const TSC_FLAGS = [
  "--ignoreConfig",
  "--noEmit",
  "--strict",
  "--skipLibCheck",
  "--target",
  "es2024",
];

const NO_REPORTS = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

/** Where .spectral.yaml expects the document. */
const FOLDER = join(ROOT, "dist/openapi");

await main(async () => {
  mkdirSync(FOLDER, { recursive: true });
  try {
    const document = await buildDocument();
    const text = JSON.stringify(document);
    writeFileSync(join(FOLDER, "openapi.json"), text);
    lintWithRedocly();
    lintWithSpectral();
    compileClient(generateApiTypes(document));
    console.log(
      `The OpenAPI document (${text.length} bytes) has no findings, and its client compiles.`,
    );
  } finally {
    rmSync(FOLDER, { recursive: true, force: true });
  }
});

// Redocly succeeds if there are only warnings.
function lintWithRedocly(): void {
  const args = ["lint", "dist/openapi/openapi.json", "--format", "checkstyle"];
  const report = run(ROOT, join(ROOT, "node_modules/.bin/redocly"), args);
  if (report.includes("<error ")) throw new UsageError(`Redocly:\n${report}`);
}

function lintWithSpectral(): void {
  const args = ["lint", "dist/openapi/openapi.json", "--fail-severity", "hint"];
  run(ROOT, join(ROOT, "node_modules/.bin/spectral"), args);
}

function compileClient(types: string): void {
  writeFileSync(join(FOLDER, "openapi.d.ts"), types);
  copyFileSync(join(CLIENT, "client.ts"), join(FOLDER, "client.ts"));
  run(FOLDER, join(ROOT, "node_modules/.bin/tsc"), [...TSC_FLAGS, "client.ts"]);
}

/** Runs a tool in the folder and returns its output. Throws a UsageError with the output if it fails. */
function run(folder: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...NO_REPORTS },
  });
  if (error) throw error;
  if (status !== 0) throw new UsageError(`${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return stdout;
}
