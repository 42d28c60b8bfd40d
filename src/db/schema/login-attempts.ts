import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** `attempts` is a JSON array of the times at which a password was evaluated, the newest last. */
export const loginAttempts = sqliteTable(
  "login_attempts",
  {
    key: text().primaryKey(),
    attempts: text().notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [index("login_attempts_expires_at").on(table.expiresAt)],
);
