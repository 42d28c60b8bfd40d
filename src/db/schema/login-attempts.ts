import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * `attempts` is a JSON object: by keyed hash of a network, and under `*` for all networks, the times at which a password was
 * evaluated, the oldest first. Rows live for minutes, so that cleanup walks the table, and every login is spared an index entry.
 */
export const loginAttempts = sqliteTable("login_attempts", {
  key: text().primaryKey(),
  attempts: text().notNull(),
  expiresAt: integer("expires_at").notNull(),
});
