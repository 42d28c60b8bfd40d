import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/**
 * `secret_hash` is the SHA-256 of a 256-bit secret that is not stored. `scopes` is a JSON array of permissions. `version` counts
 * changes, but not uses. `secret_created_at` is null if the secret is as old as the key.
 */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text().primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text().notNull(),
    prefix: text().notNull(),
    secretHash: text("secret_hash").notNull(),
    scopes: text({ mode: "json" }).$type<string[]>().notNull(),
    version: integer().notNull().default(1),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at"),
    lastUsedAt: integer("last_used_at"),
    revokedAt: integer("revoked_at"),
    secretCreatedAt: integer("secret_created_at"),
  },
  (table) => [
    uniqueIndex("api_keys_secret_hash").on(table.secretHash),
    index("api_keys_user").on(table.userId, table.id),
    // For lists of keys that are not revoked, and of those that are.
    index("api_keys_user_state").on(table.userId, sql`(revoked_at IS NULL)`, table.id),
    index("api_keys_state").on(sql`(revoked_at IS NULL)`, table.id),
  ],
);
