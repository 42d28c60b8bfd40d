import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Permissions that an application has added. Those of the service itself are in access/permissions.ts. */
export const customPermissions = sqliteTable("custom_permissions", {
  name: text().primaryKey(),
  description: text().notNull(),
  createdAt: integer("created_at").notNull(),
});
