import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The codes with which applications finish a login at a provider, by their hashes. `sealed` is what a code stands for, encrypted under a
 * key that derives from the code: whoever has only the database cannot read it.
 */
export const exchangeCodes = sqliteTable(
  "exchange_codes",
  {
    id: text().primaryKey(),
    sealed: text().notNull(),
    createdAt: integer("created_at").notNull(),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [index("exchange_codes_expires_at").on(table.expiresAt)],
);
