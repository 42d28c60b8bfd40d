import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Rows never change: triggers refuse UPDATE and DELETE. `changes` is a JSON object of `{ field: { from, to } }`. */
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
    ip: text(),
    userAgent: text("user_agent"),
    requestId: text("request_id"),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    index("audit_events_actor").on(table.actorId, table.id),
    index("audit_events_target").on(table.targetId, table.id),
    index("audit_events_action").on(table.action, table.id),
  ],
);
