import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const roles = sqliteTable("roles", {
  name: text().primaryKey(),
  description: text().notNull(),
  isSystem: integer("is_system", { mode: "boolean" }).notNull().default(false),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

export const rolePermissions = sqliteTable(
  "role_permissions",
  {
    role: text()
      .notNull()
      .references(() => roles.name, { onDelete: "cascade" }),
    permission: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.role, table.permission] })],
);
