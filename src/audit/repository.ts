import { desc, eq, getTableColumns, type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../access/target.ts";
import { db as builder, type Db } from "../db/client.ts";
import { insertRowsWhere, insertWhere, ofRow } from "../db/insert.ts";
import { auditEvents } from "../db/schema/audit-events.ts";
import { unattributedEvents } from "../db/schema/unattributed-events.ts";
import { users } from "../db/schema/users.ts";
import { prepareOnce } from "../db/statement.ts";

export type AuditEventRow = typeof auditEvents.$inferSelect;
export type NewAuditEvent = AuditEventRow;

/** True in the statement directly after a change, if that changed something. */
export const whereChanged: SQL = sql`changes() > 0`;

/** True once this event is recorded, which means that its change was made in the same transaction. */
export function whereRecorded(eventId: string): SQL {
  return sql`EXISTS (SELECT 1 FROM audit_events AS recorded WHERE recorded.id = ${eventId})`;
}

const insertIfChanged = prepareOnce<Record<string, unknown>>()((slots) => {
  const names = Object.keys(getTableColumns(auditEvents)) as (keyof NewAuditEvent)[];
  const row = Object.fromEntries(names.map((name) => [name, sql`${slots[name]}`]));
  return insertWhere(builder, auditEvents, row as Record<keyof NewAuditEvent, SQL>, whereChanged);
});

/** Records an event where the condition holds. Only for commit.ts, because an event must directly follow its change. */
export function insertAuditEvent(db: Db, row: NewAuditEvent, condition: SQL) {
  if (condition === whereChanged) return insertIfChanged({ ...row });
  return insertWhere(db, auditEvents, row, condition);
}

/**
 * Records each of many events where its target is among the rows that the condition's statement has inserted. Only for
 * commit.ts.
 */
export function insertAuditEvents(
  db: Db,
  rows: readonly NewAuditEvent[],
  whereMade: (targetId: SQL) => SQL,
) {
  return insertRowsWhere(db, auditEvents, rows, whereMade(ofRow(auditEvents.targetId)));
}

/** Stores a data key for a user who has none. Returns the one that the user has: this one, or the one that was stored first. */
export function storeDataKey(db: Db, userId: string, dataKey: string) {
  return db
    .update(users)
    .set({ dataKey: sql`coalesce(${users.dataKey}, ${dataKey})` })
    .where(eq(users.id, userId))
    .returning({ dataKey: users.dataKey });
}

/**
 * The data keys of up to `count` users who are deleted, or of users who are not, spread evenly over the time in which they were
 * created. Reads about two rows per user, however many there are.
 */
export function sampleDataKeys(db: Db, count: number, who: "living" | "deleted") {
  // In the form of the indexes over users, each of which covers one of the two.
  const whereState = who === "living" ? sql`deleted_at IS NULL` : sql`deleted_at IS NOT NULL`;
  const steps = JSON.stringify(Array.from({ length: count }, (_, step) => step));
  const [first, last] = [sql`min(created_at)`, sql`max(created_at)`].map(
    (bound) => sql`(SELECT ${bound} FROM users WHERE ${whereState})`,
  );
  const createdAt = sql`${first} + (${last} - ${first}) * step.value / ${count - 1}`;
  return db
    .select({
      dataKey: sql<
        string | null
      >`(SELECT data_key FROM users WHERE ${whereState} AND created_at >= ${createdAt}
        ORDER BY created_at LIMIT 1)`.as("data_key"),
    })
    .from(sql`json_each(${steps}) AS step`);
}

export type UnattributedRow = typeof unattributedEvents.$inferSelect;

/**
 * Counts of events that concern no known account, the newest hour first: `limit` of them after a position, or after `skip` counts.
 */
export function listUnattributed(
  db: Db,
  { now, after }: { now: number; after: readonly unknown[] | undefined },
  { skip = 0, limit }: { skip: number | undefined; limit: number },
) {
  const { hour, action, network, subjectId } = unattributedEvents;
  return db
    .select()
    .from(unattributedEvents)
    .where(
      after
        ? sql`(${hour}, ${action}, ${network}, ${subjectId}) < (${after[0]}, ${after[1]}, ${after[2]}, ${after[3]})`
        : sql`${hour} <= ${now}`,
    )
    .orderBy(desc(hour), desc(action), desc(network), desc(subjectId))
    .limit(limit)
    .offset(skip);
}

/** The number of counts of events that concern no known account. */
export function countUnattributedRows(db: Db, now: number) {
  return db
    .select({ total: sql<number>`count(*)`.as("total") })
    .from(unattributedEvents)
    .where(sql`${unattributedEvents.hour} <= ${now}`);
}

/** Deletes up to `limit` counts of hours before a time. */
export function deleteOldUnattributed(db: Db, before: number, limit: number) {
  const { hour, action, network, subjectId } = unattributedEvents;
  return db
    .delete(unattributedEvents)
    .where(
      sql`(${hour}, ${action}, ${network}, ${subjectId}) IN
        (SELECT hour, action, network, subject_id FROM unattributed_events WHERE hour < ${before} LIMIT ${limit})`,
    )
    .returning({ hour });
}

/** A user, deleted or not, with their wrapped data key. */
export function findPerson(db: Db, user: UserRef) {
  return db.select({ id: users.id, dataKey: users.dataKey }).from(users).where(eq(users.id, user));
}
