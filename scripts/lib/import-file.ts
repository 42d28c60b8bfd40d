import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { UsageError } from "./fail.ts";

/** A record of the file: an object, or undefined for what is not JSON. `end` is the progress after it, in bytes. */
export interface FileRecord {
  record: unknown;
  text: string;
  end: number;
}

/**
 * Reads the records of a file from the beginning: the lines of newline-delimited JSON, which are read one by one, or the
 * elements of a JSON array, also of one within an object, such as `users` of Firebase. An array is read whole.
 */
export async function* readRecords(file: string): AsyncGenerator<FileRecord> {
  const isWhole = await isArrayOrDocument(file);
  yield* isWhole ? readWhole(file) : readLines(file);
}

// NDJSON begins with a line that is an object by itself.
async function isArrayOrDocument(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    for await (const line of handle.readLines({ autoClose: false })) {
      const text = line.replace(/^\uFEFF/, "").trim();
      if (text === "") continue;
      const value = parse(text);
      return text.startsWith("[") || value === undefined || findList(value) !== undefined;
    }
    return false;
  } finally {
    await handle.close();
  }
}

async function* readWhole(file: string): AsyncGenerator<FileRecord> {
  const text = (await readFile(file, "utf8")).replace(/^\uFEFF/, "");
  const value = parse(text);
  const list = Array.isArray(value) ? value : findList(value);
  if (!list) {
    throw new UsageError(
      `${file} is neither newline-delimited JSON nor a JSON array. Write one object per line.`,
    );
  }
  const size = Buffer.byteLength(text);
  for (const [index, record] of list.entries()) {
    const end = Math.round((size * (index + 1)) / list.length);
    yield { record, text: JSON.stringify(record), end };
  }
}

async function* readLines(file: string): AsyncGenerator<FileRecord> {
  const lines = createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let end = 0;
  for await (const line of lines) {
    end += Buffer.byteLength(line) + 1;
    const text = line.replace(/^\uFEFF/, "").trim();
    if (text !== "") yield { record: parse(text), text, end };
  }
}

function findList(value: unknown): unknown[] | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { users, data } = value as { users?: unknown; data?: unknown };
  return [users, data].find((list) => Array.isArray(list)) as unknown[] | undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
