import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * `attempts` is a JSON array of `[time, network]`, one for each time that a password was evaluated. `network` is a keyed hash, or
 * null once a login from there has succeeded.
 */
export const loginAttempts = sqliteTable(
  "login_attempts",
  {
    key: text().primaryKey(),
    attempts: text().notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [index("login_attempts_expires_at").on(table.expiresAt)],
);
