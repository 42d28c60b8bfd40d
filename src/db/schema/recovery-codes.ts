import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/** `hashes` is a JSON array with the SHA-256 of each recovery code that is left. Codes have 80 random bits or more. */
export const recoveryCodes = sqliteTable("recovery_codes", {
  userId: text("user_id")
    .primaryKey()
    .references(() => users.id, { onDelete: "cascade" }),
  hashes: text({ mode: "json" }).$type<string[]>().notNull(),
  createdAt: integer("created_at").notNull(),
});
