import { env } from "cloudflare:workers";
import { dayOf, type StoredEvent, timeOfId, toCanonicalJson } from "../../src/lib/audit-seal.ts";
import { HOURLY, runCron } from "./cron.ts";
import { sqlAll, sqlRun } from "./fixtures.ts";
import { eventIdAt, insertEvents } from "./trail.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** The first day of the trail in tests of seals. */
export const FIRST = Date.UTC(2026, 9, 1);

export interface SealRow {
  day: string;
  count: number;
  first_id: string | null;
  last_id: string | null;
  digest: string;
  previous_digest: string | null;
  signature: string;
  kid: string;
  archived_at: number | null;
  trimmed_at: number | null;
}

/** The id of an event of a day, which is counted from the first one. */
export const idOf = (day: number, number: number) => eventIdAt(FIRST + day * DAY + number, number);

/** Adds `count` events to a day, which is counted from the first one. */
export async function addEvents(day: number, count: number, firstNumber = 1): Promise<void> {
  await insertEvents(
    Array.from({ length: count }, (_, index) => ({
      id: idOf(day, firstNumber + index),
      action: "user.updated",
      actor_id: `actor-${index % 7}`,
      target_id: `target-“${index}”`,
      origin_of: null,
      created_at: FIRST + day * DAY + firstNumber + index,
    })),
  );
}

/** Runs the hourly jobs, also if another run holds their leases. */
export async function runHourly(bindings: Cloudflare.Env = env): Promise<void> {
  await sqlRun("DELETE FROM job_leases");
  await runCron(HOURLY, bindings);
}

/** The seals, oldest first. */
export const readSeals = () => sqlAll<SealRow>("SELECT * FROM audit_seals ORDER BY day");

/** The events from one id up to another, as they are stored. */
export const readStored = (from = "", until = "g") =>
  sqlAll<StoredEvent>(
    "SELECT * FROM audit_events WHERE id >= ? AND id < ? ORDER BY id",
    from,
    until,
  );

/**
 * The day of the first event, as YYYY-MM-DD. The ids of events that the worker records never go back in time, not even with the
 * clock of a test.
 */
export async function firstDay(): Promise<string> {
  const [event] = await readStored();
  return dayOf(timeOfId(event?.id ?? ""));
}

/** The lines of a day as they are sealed and archived. */
export async function linesOfDay(day: number): Promise<string[]> {
  const time = (at: number) => eventIdAt(FIRST + at * DAY, 0);
  return (await readStored(time(day), time(day + 1))).map(toCanonicalJson);
}

/** Changes the trail as someone who may write to the database could: without the triggers. */
export async function tamper(...statements: string[]): Promise<void> {
  const triggers = await sqlAll<{ name: string; sql: string }>(
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'",
  );
  for (const { name } of triggers) await sqlRun(`DROP TRIGGER ${name}`);
  for (const statement of statements) await sqlRun(statement);
  for (const { sql } of triggers) await sqlRun(sql);
}

/** Empties the trail and the archive. */
export async function clearTrail(): Promise<void> {
  await tamper(
    "DELETE FROM audit_events",
    "DELETE FROM audit_seals",
    "DELETE FROM audit_seal_rows",
  );
  const { objects } = await env.ARCHIVE.list();
  await env.ARCHIVE.delete(objects.map(({ key }) => key));
}

/** The text of an object in the archive; undefined if there is none. */
export async function readArchived(key: string): Promise<string | undefined> {
  const object = await env.ARCHIVE.get(key);
  const body = key.endsWith(".gz")
    ? object?.body.pipeThrough(new DecompressionStream("gzip"))
    : object?.body;
  return body && new Response(body).text();
}

/** Puts gzipped text into the archive. */
export async function putArchived(key: string, text: string): Promise<void> {
  const gzipped = new Response(text).body?.pipeThrough(new CompressionStream("gzip"));
  await env.ARCHIVE.put(key, await new Response(gzipped).arrayBuffer());
}
