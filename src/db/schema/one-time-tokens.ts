import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/** The only live token of a user for a purpose, bound to the address that it was sent to. A newer token replaces it. */
export const oneTimeTokens = sqliteTable(
  "one_time_tokens",
  {
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    purpose: text().notNull(),
    tokenHash: text("token_hash").notNull(),
    address: text().notNull(),
    expiresAt: integer("expires_at").notNull(),
    createdAt: integer("created_at").notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.purpose] }),
    index("one_time_tokens_hash").on(table.tokenHash),
    index("one_time_tokens_expires_at").on(table.expiresAt),
  ],
);
