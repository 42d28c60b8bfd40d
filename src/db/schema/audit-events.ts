import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Rows never change: triggers refuse UPDATE, DELETE and an INSERT that would replace a row. `changes` is a JSON object
 * of `{ field: { from, to } }`; the values of a field are null if they are not recorded, or are in `sealed_changes`, sealed under
 * the target's data key. `sealed_origin` is the IP address and the user agent, sealed under the data key of the user `origin_of`.
 * `metadata` is a JSON object without personal data.
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
    metadata: text(),
    createdAt: integer("created_at").notNull(),
  },
  (table) => [
    index("audit_events_target").on(table.targetId, table.id),
    // Only for events that the index above does not find: most people act on themselves.
    index("audit_events_actor")
      .on(table.actorId, table.id)
      .where(sql`actor_id IS NOT NULL AND actor_id IS NOT target_id`),
    // Only for events that neither of the other indexes finds: mostly requests with API keys, which act for their owner.
    index("audit_events_origin")
      .on(table.originOf, table.id)
      .where(sql`origin_of IS NOT actor_id AND origin_of IS NOT target_id`),
  ],
);
