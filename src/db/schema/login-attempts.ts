import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * `attempts` is a JSON object: by keyed hash of a network, and under `*` for all networks, the times at which a password was
 * evaluated, the oldest first.
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
