// The rows of a file with users, in parts that the API takes: at most 1,000 rows and 1 MiB each.
const MAX_ROWS = 1000;
const MAX_BYTES = 1_000_000;

/** Reads NDJSON, a JSON list, or `{ "data": [ … ] }`. Throws a SyntaxError. */
export function readRows(text: string): unknown[] {
  const whole = parse(text);
  if (Array.isArray(whole)) return whole;
  if (isObject(whole)) return Array.isArray(whole.data) ? whole.data : [whole];
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** Cuts rows into parts, in order. */
export function cutRows(rows: readonly unknown[]): unknown[][] {
  const parts: unknown[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const size = new TextEncoder().encode(JSON.stringify(row)).length + 1;
    const part = parts.at(-1);
    if (part && part.length < MAX_ROWS && bytes + size <= MAX_BYTES) {
      part.push(row);
      bytes += size;
    } else {
      parts.push([row]);
      bytes = size;
    }
  }
  return parts;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
