import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../access/target.ts";
import type { Db } from "../db/client.ts";
import { auditEvents, COMMON_ACTIONS, UNCOMMON } from "../db/schema/audit-events.ts";
import { firstIdAt } from "../lib/ids.ts";
import { SECOND } from "../lib/time.ts";

/** What a list of events selects. What is undefined selects everything. */
export interface EventFilter {
  /** Events that have this user as their target, as their actor, or as the owner of the API key that acted. Excludes the two ids. */
  concerning?: UserRef | undefined;
  targetId?: string | undefined;
  actorId?: string | undefined;
  action?: string | undefined;
  /** Milliseconds, inclusive. */
  from?: number | undefined;
  /** Milliseconds, exclusive. */
  to?: number | undefined;
}

/** Which part of a list to read: up to `limit` events before the one with the id `before`. */
export interface EventPart {
  before: string | undefined;
  limit: number;
}

/** How many events a statement examines at most, if no index has exactly those that the filter selects. */
const MAX_EXAMINED = 1000;

/** An event's id and `created_at` are taken one after the other, so they can differ by less than this. */
const MAX_DRIFT_MS = 10 * SECOND;

/** Greater than every id. */
const END = "~";

/** The columns by their names alone: drizzle does not know the tables of a statement within another. */
const pageColumns = Object.fromEntries(
  Object.entries(getTableColumns(auditEvents)).map(([name, column]) => [
    name,
    sql`${sql.identifier(column.name)}`.mapWith(column),
  ]),
) as unknown as typeof auditEvents._.columns;

/**
 * Events, the newest first, with the wrapped data keys that open them. Merges ranges of indexes in the order of the ids. Where the
 * filter selects only part of these ranges, it examines up to 1,000 events, so that the result can be shorter than the limit:
 * if the last event's place is `countExamined`, the list goes on after it. That event is read even if the filter does not select it
 * (`isSelected` is 0).
 */
export function listEvents(db: Db, filter: EventFilter, { before, limit }: EventPart) {
  const range = toIdRange(filter, before);
  const arms = toArms(filter).map(
    ({ source, where = sql`true` }) =>
      sql`SELECT * FROM ${source} WHERE ${where} AND id >= ${range.from} AND id < ${range.before}`,
  );
  const examined = countExamined(filter, limit);
  const merged = sql`${sql.join(arms, sql` UNION ALL `)} ORDER BY id DESC LIMIT ${examined}`;
  const selected = sql.join([sql`true`, ...toResidual(filter)], sql` AND `);
  const numbered = sql`SELECT *, row_number() OVER (ORDER BY id DESC) AS place, (${selected}) AS is_selected FROM (${merged})`;
  // Numbering the events puts them in order. Sorting them again would read all of them, whatever the limit.
  return db
    .select({
      ...pageColumns,
      isSelected: sql<number>`is_selected`.as("is_selected"),
      place: sql<number>`place`.as("place"),
      targetKey: keyOf(sql`target_id`).as("target_key"),
      originKey: keyOf(sql`origin_of`).as("origin_key"),
    })
    .from(sql`(${numbered}) AS page`)
    .where(sql`is_selected OR place = ${examined}`)
    .limit(limit);
}

export type ListedEvent = Awaited<ReturnType<typeof listEvents>>[number];

/** How many events `listEvents` examines at most. */
export function countExamined(filter: EventFilter, limit: number): number {
  return toResidual(filter).length > 0 ? Math.max(MAX_EXAMINED, limit) : limit;
}

interface Arm {
  source: SQL;
  where?: SQL;
}

/** The index ranges that have the selected events, each event in one of them. */
function toArms({ concerning, targetId, actorId, action }: EventFilter): Arm[] {
  if (concerning !== undefined) {
    return [onSelf(concerning), byOthers(concerning), onOthers(concerning), byKeys(concerning)];
  }
  if (targetId !== undefined && actorId !== undefined) {
    return [targetId === actorId ? onSelf(targetId) : byOthers(targetId)];
  }
  if (targetId !== undefined) return [onSelf(targetId), byOthers(targetId)];
  if (actorId !== undefined) return [onSelf(actorId), onOthers(actorId)];
  if (action === undefined || isCommon(action)) return [{ source: sql`audit_events` }];
  return [
    {
      source: sql`audit_events INDEXED BY audit_events_action`,
      where: sql`action = ${action} AND ${sql.raw(UNCOMMON)}`,
    },
  ];
}

// The conditions are those of the indexes.
function onSelf(id: UserRef): Arm {
  return onTarget(id, sql`1`);
}

function byOthers(id: UserRef): Arm {
  return onTarget(id, sql`0`);
}

function onTarget(id: UserRef, isActor: SQL): Arm {
  return {
    source: sql`audit_events INDEXED BY audit_events_target`,
    where: sql`target_id = ${id} AND (actor_id IS target_id) = ${isActor}`,
  };
}

function onOthers(id: UserRef): Arm {
  return {
    source: sql`audit_events INDEXED BY audit_events_actor`,
    where: sql`actor_id = ${id} AND actor_id IS NOT target_id`,
  };
}

function byKeys(id: UserRef): Arm {
  return {
    source: sql`audit_events INDEXED BY audit_events_origin`,
    where: sql`origin_of = ${id} AND origin_of IS NOT actor_id AND origin_of IS NOT target_id`,
  };
}

function isCommon(action: string): boolean {
  return (COMMON_ACTIONS as readonly string[]).includes(action);
}

/** The conditions that the ranges leave open. */
function toResidual(filter: EventFilter): SQL[] {
  const { concerning, targetId, actorId, action, from, to } = filter;
  const isByPerson = concerning !== undefined || targetId !== undefined || actorId !== undefined;
  const isByActor = targetId !== undefined && actorId !== undefined && targetId !== actorId;
  return [
    ...(action !== undefined && (isByPerson || isCommon(action)) ? [sql`action = ${action}`] : []),
    ...(isByActor ? [sql`actor_id = ${actorId}`] : []),
    ...(from === undefined ? [] : [sql`created_at >= ${from}`]),
    ...(to === undefined ? [] : [sql`created_at < ${to}`]),
  ];
}

function toIdRange({ from, to }: EventFilter, before: string = END) {
  const last = to === undefined ? END : firstIdAt(to + MAX_DRIFT_MS);
  return {
    from: from === undefined ? "" : firstIdAt(from - MAX_DRIFT_MS),
    before: before < last ? before : last,
  };
}

function keyOf(userId: SQL): SQL<string | null> {
  return sql`(SELECT person.data_key FROM users AS person WHERE person.id = page.${userId})`;
}
