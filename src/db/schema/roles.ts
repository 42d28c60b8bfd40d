import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * `permissions` is a sorted JSON array of names. Holders of a role with `require_mfa` cannot log in without a second factor.
 * `version` counts changes.
 */
export const roles = sqliteTable("roles", {
  name: text().primaryKey(),
  description: text().notNull(),
  permissions: text({ mode: "json" }).$type<string[]>().notNull(),
  requireMfa: integer("require_mfa", { mode: "boolean" }).notNull().default(false),
  isSystem: integer("is_system", { mode: "boolean" }).notNull().default(false),
  version: integer().notNull().default(1),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});
