import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/**
 * `generation` counts the refresh tokens of a session: only the newest one is live. `proofs` is a JSON object: by authentication
 * method (RFC 8176), the time at which the user was last authenticated with it in this session.
 */
export const sessions = sqliteTable(
  "sessions",
  {
    id: text().primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    generation: integer().notNull().default(1),
    createdAt: integer("created_at").notNull(),
    lastUsedAt: integer("last_used_at").notNull(),
    rotatedAt: integer("rotated_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
    endsAt: integer("ends_at").notNull(),
    revokedAt: integer("revoked_at"),
    revokedReason: text("revoked_reason"),
    proofs: text({ mode: "json" }).$type<Record<string, number>>().notNull().default({}),
    ip: text(),
    userAgent: text("user_agent"),
    country: text(),
  },
  (table) => [
    index("sessions_by_user").on(table.userId, table.id),
    index("sessions_live_by_user").on(table.userId, table.id).where(sql`revoked_at IS NULL`),
  ],
);
