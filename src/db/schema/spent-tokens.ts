import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Tokens and challenges that need no row until they are used, by their ids, so that each works once. */
export const spentTokens = sqliteTable(
  "spent_tokens",
  {
    id: text().primaryKey(),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [index("spent_tokens_expires_at").on(table.expiresAt)],
);
