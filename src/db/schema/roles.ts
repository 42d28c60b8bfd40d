import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** `permissions` is a sorted JSON array of names. `version` counts changes. */
export const roles = sqliteTable("roles", {
  name: text().primaryKey(),
  description: text().notNull(),
  permissions: text({ mode: "json" }).$type<string[]>().notNull(),
  isSystem: integer("is_system", { mode: "boolean" }).notNull().default(false),
  version: integer().notNull().default(1),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});
