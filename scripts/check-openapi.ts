// npm run check:openapi: lints the OpenAPI document with the recommended rules of Redocly and Spectral, with one exception, and
// compiles a client (test/client/client.ts) against the types that openapi-typescript generates from it.
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateApiTypes } from "./lib/api-types.ts";
import { buildDocument } from "./lib/document.ts";
import { main, UsageError } from "./lib/fail.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const CLIENT = join(ROOT, "test/client");

const TSC_FLAGS = ["--noEmit", "--strict", "--skipLibCheck", "--target", "es2024"];

const NO_REPORTS = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

/** Providers redirect browsers to these operations, which redirect them to the application: they have no 2XX response. */
const REDIRECTS = ["get", "post"].map(
  (method) => `#/paths/~1v1~1auth~1providers~1{id}~1callback/${method}/responses`,
);

await main(async () => {
  const folder = mkdtempSync(join(tmpdir(), "roster-openapi-"));
  try {
    const document = await buildDocument();
    const text = JSON.stringify(document);
    writeFileSync(join(folder, "openapi.json"), text);
    lintWithRedocly(folder);
    lintWithSpectral(folder);
    compileClient(folder, generateApiTypes(document));
    console.log(
      `The OpenAPI document (${text.length} bytes) has no findings, and its client compiles.`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

// Redocly succeeds if there are only warnings.
function lintWithRedocly(folder: string): void {
  // JSON is YAML.
  const ignored = { "openapi.json": { "operation-2xx-response": REDIRECTS } };
  writeFileSync(join(folder, ".redocly.lint-ignore.yaml"), JSON.stringify(ignored));
  const args = ["lint", "openapi.json", "--extends", "recommended", "--format", "checkstyle"];
  const report = run(folder, join(ROOT, "node_modules/.bin/redocly"), args);
  if (report.includes("<error ")) throw new UsageError(`Redocly:\n${report}`);
}

function lintWithSpectral(folder: string): void {
  writeFileSync(join(folder, "rules.yaml"), 'extends: ["spectral:oas"]\n');
  const args = ["lint", "openapi.json", "--ruleset", "rules.yaml", "--fail-severity", "hint"];
  run(folder, join(ROOT, "node_modules/.bin/spectral"), args);
}

function compileClient(folder: string, types: string): void {
  writeFileSync(join(folder, "openapi.d.ts"), types);
  copyFileSync(join(CLIENT, "client.ts"), join(folder, "client.ts"));
  run(folder, join(ROOT, "node_modules/.bin/tsc"), [...TSC_FLAGS, "client.ts"]);
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
