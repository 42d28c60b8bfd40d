import { and, asc, desc, eq, gt, gte, isNull, lt, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { auditEvents } from "../../db/schema/audit-events.ts";
import { auditSealRows, auditSeals } from "../../db/schema/audit-seals.ts";
import type { Statement } from "../../db/statement.ts";
import type { StoredEvent } from "../../lib/audit-seal.ts";

export type SealRow = typeof auditSeals.$inferSelect;

/** Where a page of the events of a day begins, and the first id of the next day. */
interface Range {
  from: string;
  /** The last event of the page before, if this is not the first page. */
  after: string | undefined;
  until: string;
}

/** A page of the events of a day as they are stored, in the order of their ids. */
export function listStoredEvents(
  db: Db,
  { from, after, until }: Range,
  limit: number,
): Statement<StoredEvent[]> {
  const { id } = auditEvents;
  return db
    .select({
      action: auditEvents.action,
      actor_id: auditEvents.actorId,
      actor_type: auditEvents.actorType,
      changes: auditEvents.changes,
      created_at: auditEvents.createdAt,
      id,
      metadata: auditEvents.metadata,
      origin_of: auditEvents.originOf,
      request_id: auditEvents.requestId,
      sealed_changes: auditEvents.sealedChanges,
      sealed_origin: auditEvents.sealedOrigin,
      target_id: auditEvents.targetId,
      target_type: auditEvents.targetType,
    })
    .from(auditEvents)
    .where(and(after === undefined ? gte(id, from) : gt(id, after), lt(id, until)))
    .orderBy(asc(id))
    .limit(limit);
}

/** The id of the first event of the trail. */
export function findFirstEvent(db: Db) {
  return db.select({ id: auditEvents.id }).from(auditEvents).orderBy(asc(auditEvents.id)).limit(1);
}

/** The latest seal. */
export function findLatestSeal(db: Db) {
  return db.select().from(auditSeals).orderBy(desc(auditSeals.day)).limit(1);
}

/**
 * Stores a seal if the latest one is of `previousDay`; null if there is none. So of concurrent runs, one seals a day. Returns the
 * day if it did.
 */
export function insertSeal(db: Db, seal: SealRow, previousDay: string | null) {
  const wherePreviousIsLatest = sql`(SELECT max(day) FROM audit_seals) IS ${previousDay}`;
  return insertWhere(db, auditSeals, seal, wherePreviousIsLatest).returning({
    day: auditSeals.day,
  });
}

/** Stores digests of events of a day, or replaces what a run left that did not complete. Does nothing once the day is sealed. */
export function putSealRow(db: Db, row: typeof auditSealRows.$inferSelect) {
  const whereUnsealed = sql`NOT EXISTS (SELECT 1 FROM audit_seals WHERE day = ${row.day})`;
  return insertWhere(db, auditSealRows, row, whereUnsealed).onConflictDoUpdate({
    target: [auditSealRows.day, auditSealRows.part],
    set: { digests: row.digests },
  });
}

/** The oldest sealed day that is not archived. */
export function findUnarchived(db: Db) {
  const { day, archivedAt } = auditSeals;
  return db.select().from(auditSeals).where(isNull(archivedAt)).orderBy(asc(day)).limit(1);
}

/** Records that a day is archived. */
export function markArchived(db: Db, day: string, archivedAt: number) {
  return db
    .update(auditSeals)
    .set({ archivedAt })
    .where(and(eq(auditSeals.day, day), isNull(auditSeals.archivedAt)));
}

/** The oldest sealed day that is not trimmed, if its events are counted for analytics. */
export function findUntrimmed(db: Db) {
  const { day, lastId, trimmedAt } = auditSeals;
  const whereCounted = sql`coalesce(${lastId}, '') <= (SELECT through FROM analytics_progress WHERE name = 'audit_events')`;
  return db
    .select()
    .from(auditSeals)
    .where(and(isNull(trimmedAt), whereCounted))
    .orderBy(asc(day))
    .limit(1);
}

/** Lets the events of a sealed day be deleted. Returns the day if that was not done before. */
export function markTrimmed(db: Db, day: string, trimmedAt: number) {
  return db
    .update(auditSeals)
    .set({ trimmedAt })
    .where(and(eq(auditSeals.day, day), isNull(auditSeals.trimmedAt)))
    .returning({ day: auditSeals.day });
}

/** Deletes up to `limit` events of the latest trimmed day. All days before it have been deleted completely. */
export function deleteTrimmedEvents(db: Db, limit: number) {
  const [firstId, lastId] = [sql`first_id`, sql`last_id`].map(
    (bound) =>
      sql`(SELECT ${bound} FROM audit_seals WHERE trimmed_at IS NOT NULL ORDER BY day DESC LIMIT 1)`,
  );
  return db
    .delete(auditEvents)
    .where(
      sql`id IN (SELECT id FROM audit_events WHERE id >= ${firstId} AND id <= ${lastId} LIMIT ${limit})`,
    )
    .returning({ id: auditEvents.id });
}

/** Seals, the newest first: `limit` of them before a day, or after `skip` seals. */
export function listSeals(
  db: Db,
  before: unknown,
  { skip = 0, limit }: { skip: number | undefined; limit: number },
) {
  return db
    .select()
    .from(auditSeals)
    .where(before === undefined ? undefined : sql`${auditSeals.day} < ${before}`)
    .orderBy(desc(auditSeals.day))
    .limit(limit)
    .offset(skip);
}

/** The number of seals. */
export function countSeals(db: Db) {
  return db.select({ total: sql<number>`count(*)`.as("total") }).from(auditSeals);
}
