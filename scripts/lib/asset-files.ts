import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Files of the build, by their path within a directory. */
export type AssetFiles = Map<string, Uint8Array>;

/**
 * Makes a directory hold exactly these files. Files that have not changed are not written again, because a worker that is running reads
 * the files again whenever they are written.
 */
export function writeFiles(directory: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, bytes] of files) {
    const path = join(directory, name);
    if (existsSync(path) && Buffer.compare(readFileSync(path), bytes) === 0) continue;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !files.has(path.slice(directory.length + 1))) rmSync(path);
  }
}

/** Adds a file whose name contains a hash of its content, so that it can be cached for ever. Returns its path. */
export function addHashed(files: AssetFiles, name: string, bytes: Uint8Array): string {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
  const dot = name.lastIndexOf(".");
  const hashed = `assets/${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
  files.set(hashed, bytes);
  return hashed;
}
