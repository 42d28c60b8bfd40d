import { type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { auditEvents } from "../db/schema/audit-events.ts";

type AuditEventRow = typeof auditEvents.$inferSelect;
/** An event to record; its target may be found by the statement that records it. */
export type NewAuditEvent = Omit<AuditEventRow, "targetId"> & { targetId: string | SQL | null };

/** True in the statement right behind a change that changed something. */
export const ifChanged: SQL = sql`changes() > 0`;

/** True once this event is recorded: what it stands for happened in the same batch. */
export function ifRecorded(eventId: string): SQL {
  return sql`EXISTS (SELECT 1 FROM ${auditEvents} WHERE ${auditEvents.id} = ${eventId})`;
}

/** Records an event where the condition holds. Belongs in the batch of the change that it tells of. */
export function insertAuditEvent(db: Db, row: NewAuditEvent, condition: SQL) {
  return db.insert(auditEvents).select(
    sql`SELECT ${row.id}, ${row.action}, ${row.actorType}, ${row.actorId}, ${row.targetType}, ${row.targetId},
      ${row.changes}, ${row.ip}, ${row.userAgent}, ${row.requestId}, ${row.createdAt} WHERE ${condition}`,
  );
}
