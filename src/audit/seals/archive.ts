import type { Context } from "../../context.ts";
import { archiveKeysOf } from "../../lib/audit-seal.ts";
import { utf8 } from "../../lib/bytes.ts";
import type { Archive } from "../../platform/archive.ts";
import { createDayDigest, readDay, reportMismatch } from "./day.ts";
import { findUnarchived, markArchived, type SealRow } from "./repository.ts";
import { presentSeal } from "./schema.ts";

/** How much of an archived day is decompressed before it is hashed: many small writes would take longer. */
const BATCH_LENGTH = 1_000_000;

/**
 * Archives the oldest sealed day that is not archived: its events as gzipped NDJSON, then its seal. Returns the day, or nothing if
 * none is due or there is no archive. A run that failed at any point can be repeated. It writes nothing again, because a lock of the
 * bucket would refuse that. Throws `SealMismatch` if the events in D1, or what an earlier run archived, differ from the seal.
 */
export async function archiveNextDay(ctx: Context): Promise<readonly string[]> {
  const { db, d1, archive } = ctx;
  if (!archive) return [];
  const { unarchived } = await d1.send({ unarchived: findUnarchived(db) });
  const [seal] = unarchived;
  if (!seal) return [];
  const { day } = seal;
  if (!(await isArchived(ctx, archive, seal))) {
    await archive.put(archiveKeysOf(day).events, gzip(linesOf(ctx, seal)));
    await requireArchived(ctx, seal);
  }
  await putSeal(ctx, archive, seal);
  await d1.send({ archived: markArchived(db, day, ctx.now()) });
  return [day];
}

async function putSeal(ctx: Context, archive: Archive, seal: SealRow): Promise<void> {
  const key = archiveKeysOf(seal.day).seal;
  const text = `${JSON.stringify(presentSeal(seal))}\n`;
  const archived = await archive.get(key);
  if (!archived) await archive.put(key, [utf8(text)]);
  else if ((await new Response(archived).text()) !== text) {
    throw reportMismatch(ctx, "archive", seal);
  }
}

/** Throws `SealMismatch` if the archive lacks the events of a day, or has others than the seal says. Without an archive, does nothing. */
export async function requireArchived(ctx: Context, seal: SealRow): Promise<void> {
  if (ctx.archive && !(await isArchived(ctx, ctx.archive, seal))) {
    throw reportMismatch(ctx, "archive", seal);
  }
}

/** Whether the events of a day are archived. Throws `SealMismatch` if they differ from the seal. */
async function isArchived(ctx: Context, archive: Archive, seal: SealRow): Promise<boolean> {
  const content = await archive.get(archiveKeysOf(seal.day).events);
  if (!content) return false;
  const digest = await digestArchived(content, seal.previousDigest).catch(() => undefined);
  if (digest !== seal.digest) throw reportMismatch(ctx, "archive", seal);
  return true;
}

/** The lines of a day, each with its line feed. Throws `SealMismatch` at the end if they differ from the seal. */
async function* linesOf(ctx: Context, seal: SealRow): AsyncGenerator<Uint8Array> {
  const digest = createDayDigest(seal.previousDigest);
  for await (const { lines } of readDay(ctx, seal.day)) {
    await digest.add(lines);
    if (lines.length > 0) yield utf8(`${lines.join("\n")}\n`);
  }
  if ((await digest.finish()) !== seal.digest) throw reportMismatch(ctx, "database", seal);
}

async function* gzip(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new CompressionStream("gzip");
  const writing = writeAll(writable, content);
  // It is awaited below, after its failure has ended the reading.
  writing.catch(() => undefined);
  try {
    yield* readable;
  } finally {
    await writing;
  }
}

async function writeAll(
  writable: WritableStream<Uint8Array>,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const writer = writable.getWriter();
  try {
    for await (const chunk of content) await writer.write(chunk);
    await writer.close();
  } catch (error) {
    await writer.abort(error);
    throw error;
  }
}

/** The digest of a day, from its archived events. Throws if they are not gzipped UTF-8 text that ends with a line feed. */
async function digestArchived(
  content: ReadableStream<Uint8Array>,
  previousDigest: string | null,
): Promise<string> {
  const digest = createDayDigest(previousDigest);
  const text = content
    .pipeThrough(new DecompressionStream("gzip"))
    .pipeThrough(new TextDecoderStream("utf-8", { fatal: true, ignoreBOM: true }));
  let rest = "";
  for await (const chunk of text) {
    rest += chunk;
    const end = rest.length < BATCH_LENGTH ? -1 : rest.lastIndexOf("\n");
    if (end < 0) continue;
    await digest.add(rest.slice(0, end).split("\n"));
    rest = rest.slice(end + 1);
  }
  if (rest !== "" && !rest.endsWith("\n")) throw new Error("the last line is incomplete");
  if (rest !== "") await digest.add(rest.slice(0, -1).split("\n"));
  return digest.finish();
}
