import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The latest login by email that was requested for an address, whether or not anyone has the address, which is only stored as a
 * keyed hash. `login_id` is the id of its email, if one was sent. `user_id` is the active user who had the address then, under whom
 * wrong codes are counted. `tries` counts the codes that were tried. `recent_requests` are the times of the logins of the last hour.
 */
export const emailLogins = sqliteTable(
  "email_logins",
  {
    addressHash: text("address_hash").primaryKey(),
    loginId: text("login_id").notNull(),
    userId: text("user_id"),
    tries: integer().notNull(),
    requestedAt: integer("requested_at").notNull(),
    recentRequests: text("recent_requests", { mode: "json" })
      .$type<number[]>()
      .notNull()
      .default([]),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [index("email_logins_expires_at").on(table.expiresAt)],
);
