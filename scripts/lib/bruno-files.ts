import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateBrunoCollection } from "./bruno.ts";
import { UsageError } from "./fail.ts";
import type { OpenApiDocument } from "./openapi.ts";

const TARGET = fileURLToPath(new URL("../../clients/bruno/", import.meta.url));
/** Files that are not generated. */
const KEPT = ["README.md"];

interface Differences {
  changed: [name: string, text: string][];
  superfluous: string[];
}

/** Writes the collection. Returns how many files have changed. */
export function writeCollection(document: OpenApiDocument): number {
  const { changed, superfluous } = compare(document);
  for (const [name, text] of changed) {
    mkdirSync(dirname(join(TARGET, name)), { recursive: true });
    writeFileSync(join(TARGET, name), text);
  }
  for (const name of superfluous) rmSync(join(TARGET, name));
  return changed.length + superfluous.length;
}

/** Throws a UsageError unless the collection is that of the document. */
export function requireCurrentCollection(document: OpenApiDocument): void {
  const { changed, superfluous } = compare(document);
  const names = [...changed.map(([name]) => name), ...superfluous];
  if (names.length === 0) return;
  throw new UsageError(
    `clients/bruno is out of date: ${names.join(", ")}. Run npm run clients:bruno.`,
  );
}

function compare(document: OpenApiDocument): Differences {
  const files = generateBrunoCollection(document);
  return {
    changed: [...files].filter(([name, text]) => readOrEmpty(join(TARGET, name)) !== text),
    superfluous: listFiles().filter((name) => !files.has(name) && !KEPT.includes(name)),
  };
}

function readOrEmpty(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function listFiles(): string[] {
  return readdirSync(TARGET, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(TARGET.length));
}
