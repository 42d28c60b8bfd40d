import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** The actions that make up most of the trail, or whose changes write enough rows without another index entry. */
export const COMMON_ACTIONS = [
  "auth.login_succeeded",
  "auth.login_failed",
  "session.revoked",
  "user.created",
  "user.updated",
  "user.deleted",
  "user.role_changed",
  "role.created",
] as const;

/** The condition of the index by action, as SQL. A chain, because SQLite reads more rows for `NOT IN`. */
export const UNCOMMON = COMMON_ACTIONS.map((action) => `action <> '${action}'`).join(" AND ");

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
    // Events of people on themselves apart from those of others on them, so that the events of an actor include the former.
    index("audit_events_target").on(table.targetId, sql`(actor_id IS target_id)`, table.id),
    // Only for events that the index above does not find: most people act on themselves.
    index("audit_events_actor")
      .on(table.actorId, table.id)
      .where(sql`actor_id IS NOT NULL AND actor_id IS NOT target_id`),
    // Only for events that neither of the other indexes finds: mostly requests with API keys, which act for their owner.
    index("audit_events_origin")
      .on(table.originOf, table.id)
      .where(sql`origin_of IS NOT actor_id AND origin_of IS NOT target_id`),
    // Not for the actions that make up most of the trail: their events are found by walking it.
    index("audit_events_action").on(table.action, table.id).where(sql.raw(UNCOMMON)),
  ],
);
