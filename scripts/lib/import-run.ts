import { appendFile, truncate } from "node:fs/promises";
import type { RowResult, SendCall } from "./import-client.ts";
import { readRecords } from "./import-file.ts";
import type { ImportRow } from "./import-formats.ts";
import type { Progress } from "./import-progress.ts";
import { type ImportState, saveState } from "./import-state.ts";
import { writePrivateFile } from "./private-file.ts";

const MAX_ROWS = 1000;
/** The service takes 1 MiB. */
const MAX_BYTES = 900 * 1024;
const MAX_PASSWORDS = 50;

export interface Run {
  file: string;
  state: ImportState;
  toRow: (record: Record<string, unknown>) => ImportRow;
  hashParameters: unknown;
  send: SendCall;
  onProgress: (progress: Progress) => void;
  /** True once the run should stop after the current call. */
  isStopping: () => boolean;
}

interface Batch {
  rows: ImportRow[];
  texts: string[];
  size: number;
  passwords: number;
  end: number;
}

/** Imports the records of a file that are not done yet, call by call. Stores the state after each. */
export async function runImport(run: Run): Promise<void> {
  const { file, state } = run;
  await cutRejects(file, state);
  let index = 0;
  let batch = createBatch();
  for await (const { record, text, end } of readRecords(file)) {
    index += 1;
    if (index <= state.records) continue;
    const row = toRow(run, record);
    const size = Buffer.byteLength(JSON.stringify(row));
    if (isFull(batch, row, size)) {
      await sendBatch(run, batch);
      if (run.isStopping()) return;
      batch = createBatch();
    }
    addRow(batch, { row, text, size, end });
  }
  if (batch.rows.length > 0) await sendBatch(run, batch);
  state.isComplete = true;
  await saveState(file, state);
}

// What is no object is sent as it is, and rejected by the service.
function toRow({ toRow: convert }: Run, record: unknown): ImportRow {
  const isObject = typeof record === "object" && record !== null && !Array.isArray(record);
  return isObject ? convert(record as Record<string, unknown>) : (null as unknown as ImportRow);
}

function createBatch(): Batch {
  return { rows: [], texts: [], size: 0, passwords: 0, end: 0 };
}

function isFull(batch: Batch, row: ImportRow, size: number): boolean {
  if (batch.rows.length === 0) return false;
  const passwords = batch.passwords + Number(row?.password !== undefined);
  return (
    batch.rows.length >= MAX_ROWS || batch.size + size > MAX_BYTES || passwords > MAX_PASSWORDS
  );
}

function addRow(
  batch: Batch,
  { row, text, size, end }: { row: ImportRow; text: string; size: number; end: number },
): void {
  batch.rows.push(row);
  batch.texts.push(text);
  batch.size += size + 1;
  batch.passwords += Number(row?.password !== undefined);
  batch.end = end;
}

async function sendBatch(run: Run, batch: Batch): Promise<void> {
  const { file, state, hashParameters } = run;
  const key = `${state.run}-${state.records}`;
  const results = await run.send({ key, rows: batch.rows, hashParameters });
  const rejects = toRejects(results, batch, state.records);
  if (rejects !== "") await appendFile(toRejectsPath(file), rejects, { mode: 0o600 });
  const rejected = results.filter(({ status }) => status === "rejected").length;
  state.records += batch.rows.length;
  state.created += batch.rows.length - rejected;
  state.rejected += rejected;
  state.rejectsBytes += Buffer.byteLength(rejects);
  await saveState(file, state);
  run.onProgress({ share: Math.min(batch.end / state.size, 1), ...state });
}

function toRejects(results: readonly RowResult[], { texts }: Batch, before: number): string {
  return results
    .filter(({ status }) => status === "rejected")
    .map(({ index, errors }) => {
      const text = texts[index] ?? "";
      return `${JSON.stringify({ record: before + index + 1, errors, text })}\n`;
    })
    .join("");
}

/** The path of the rejects of a file. */
export function toRejectsPath(file: string): string {
  return `${file}.rejects.ndjson`;
}

// A new run starts with an empty file, a resumed one with what belongs to the calls that are done.
async function cutRejects(file: string, { records, rejectsBytes }: ImportState): Promise<void> {
  const path = toRejectsPath(file);
  if (records === 0) writePrivateFile(path, "");
  else await truncate(path, rejectsBytes);
}
