import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { users } from "./users.ts";

/**
 * Personal details that users maintain themselves. A user without a row has an empty profile at version 0. `metadata` is a JSON
 * object.
 */
export const profiles = sqliteTable("profiles", {
  userId: text("user_id")
    .primaryKey()
    .references(() => users.id, { onDelete: "cascade" }),
  displayName: text("display_name"),
  bio: text(),
  avatarUrl: text("avatar_url"),
  phone: text(),
  locale: text(),
  timezone: text(),
  metadata: text().notNull(),
  version: integer().notNull(),
  updatedAt: integer("updated_at").notNull(),
});
