import { firstIdAt } from "../../src/lib/ids.ts";
import { MINUTE } from "../../src/lib/time.ts";
import { literal, literals, makeChanges, readRows } from "./database.ts";
import type { Database } from "./time-travel.ts";

/** Rows per query, and per transaction. */
const PAGE = 1000;

export type Row = Record<string, string | number | null>;

/** What a restore takes from the audit trail: events, and the seals of days with their shortened digests. */
export interface LostTrail {
  events: Row[];
  seals: Row[];
  digests: Row[];
}

/** What was added to the audit trail since a time. An event is stored some time after its id was made, hence the minute. */
export async function readTrail(database: Database, since: number): Promise<LostTrail> {
  const { where } = database;
  const changed = `max(sealed_at, coalesce(archived_at, 0), coalesce(trimmed_at, 0)) >= ${since}`;
  const events = await readEvents(database, since - MINUTE);
  const seals = await readRows(where, `SELECT * FROM audit_seals WHERE ${changed} ORDER BY day`);
  const digests = await readRows(
    where,
    `SELECT * FROM audit_seal_rows WHERE day IN (SELECT day FROM audit_seals WHERE ${changed})`,
  );
  return { events, seals: seals as Row[], digests: digests as Row[] };
}

async function readEvents({ where }: Database, since: number): Promise<Row[]> {
  const events: Row[] = [];
  for (let after = firstIdAt(since); ; ) {
    const page = (await readRows(
      where,
      `SELECT * FROM audit_events WHERE id > ${literal(after)} ORDER BY id LIMIT ${PAGE}`,
    )) as Row[];
    events.push(...page);
    if (page.length < PAGE) return events;
    after = String(page.at(-1)?.id);
  }
}

/** One line of JSON per row. */
export function formatTrail({ events, seals, digests }: LostTrail): string {
  return [...events, ...seals, ...digests].map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** The rows in a text of `formatTrail`. */
export function parseTrail(text: string): LostTrail {
  const rows = text.split("\n").filter(Boolean);
  const trail: LostTrail = { events: [], seals: [], digests: [] };
  for (const row of rows.map((line) => JSON.parse(line) as Row)) {
    if ("action" in row) trail.events.push(row);
    else if ("digests" in row) trail.digests.push(row);
    else trail.seals.push(row);
  }
  return trail;
}

/**
 * Puts back what a restore has taken from the audit trail, so that the days can be sealed as they were, and equal those in the
 * archive. Leaves out what is there: it can be repeated.
 */
export async function returnTrail({ where }: Database, trail: LostTrail): Promise<void> {
  const events = trail.events.map((row) =>
    insertRow("audit_events", row, `audit_events WHERE id = ${literal(row.id ?? null)}`),
  );
  // The triggers refuse digests of a day that is sealed.
  const digests = trail.digests.map((row) => insertRow("audit_seal_rows", row, sealOf(row)));
  const seals = trail.seals.flatMap((row) => [
    insertRow("audit_seals", row, sealOf(row)),
    ...markSeal(row),
  ]);
  for (let start = 0; start < events.length; start += PAGE) {
    await makeChanges(where, events.slice(start, start + PAGE));
  }
  if (seals.length > 0) await makeChanges(where, [...digests, ...seals]);
}

function sealOf({ day = null }: Row): string {
  return `audit_seals WHERE day = ${literal(day)}`;
}

function insertRow(table: string, row: Row, existing: string): string {
  const columns = Object.keys(row).join(", ");
  return `INSERT INTO ${table} (${columns}) SELECT ${literals(...Object.values(row))} WHERE NOT EXISTS (SELECT 1 FROM ${existing})`;
}

/** A day that had been archived or trimmed is again. */
function markSeal(seal: Row): string[] {
  const { archived_at = null, trimmed_at = null, first_id = null, last_id = null } = seal;
  const mark = `UPDATE audit_seals SET archived_at = coalesce(archived_at, ${literal(archived_at)}),
    trimmed_at = coalesce(trimmed_at, ${literal(trimmed_at)}) WHERE day = ${literal(seal.day ?? null)}`;
  if (trimmed_at === null || first_id === null) return [mark];
  return [
    mark,
    `DELETE FROM audit_events WHERE id >= ${literal(first_id)} AND id <= ${literal(last_id)}`,
  ];
}
