import { randomUUID } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { UsageError } from "./fail.ts";

/** How far the import of a file has come. It is stored beside the file after every call. */
export interface ImportState {
  /** Identifies the run: the keys of its calls begin with it. */
  run: string;
  /** The size of the file and the format it is read in, which must not change before the import is complete. */
  size: number;
  from: string;
  /** The number of records that the service has answered. */
  records: number;
  created: number;
  rejected: number;
  /** The length of the file of rejects. What is behind it belongs to a call that was not finished. */
  rejectsBytes: number;
  isComplete: boolean;
}

/** The stored state of an import, or a new one. Throws a UsageError if the file or the format has changed since. */
export async function openState(file: string, from: string): Promise<ImportState> {
  const { size } = await stat(file);
  const stored = await readFile(toStatePath(file), "utf8").catch(() => undefined);
  if (stored === undefined) {
    const counts = { records: 0, created: 0, rejected: 0, rejectsBytes: 0 };
    return { run: randomUUID(), size, from, ...counts, isComplete: false };
  }
  const state = JSON.parse(stored) as ImportState;
  if (state.size !== size || state.from !== from) {
    throw new UsageError(
      `${toStatePath(file)} belongs to another version of the file, or to another --from. Delete it to start over.`,
    );
  }
  return state;
}

/** Stores the state. A crash leaves the old one or the new one. */
export async function saveState(file: string, state: ImportState): Promise<void> {
  const path = toStatePath(file);
  await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** The path of the state of a file. */
export function toStatePath(file: string): string {
  return `${file}.import-state.json`;
}
