import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Rows never change: triggers refuse UPDATE and DELETE. `changes` is a JSON object of `{ field: { from, to } }`, null for a field
 * whose values are in `sealed_changes`, under the target's data key. `sealed_origin` is address and device, under that of `origin_of`.
 */
export const auditEvents = sqliteTable(
  "audit_events",
  {
    id: text().primaryKey(),
    action: text().notNull(),
    actorType: text("actor_type").notNull(),
    actorId: text("actor_id"),
    targetType: text("target_type"),
    targetId: text("target_id"),
    changes: text(),
    sealedChanges: text("sealed_changes"),
    originOf: text("origin_of"),
    sealedOrigin: text("sealed_origin"),
    requestId: text("request_id"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    index("audit_events_actor").on(table.actorId, table.id),
    index("audit_events_target").on(table.targetId, table.id),
    index("audit_events_origin").on(table.originOf),
    index("audit_events_action").on(table.action, table.id),
  ],
);
