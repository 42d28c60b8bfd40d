import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { roles } from "./roles.ts";

/**
 * The `…_key` columns hold the form in which usernames and emails are compared. It is unique among users who are not deleted.
 * `version` counts changes to what the API returns of a user, `password_version` changes of the password. `password_hash` is null
 * for a user without a password. `session_count` is at least the number of live sessions: each login adds one, and recounts the
 * sessions if the limit is exceeded. `known_devices` is a JSON array of keyed hashes of the user agents that have logged in.
 * `known_networks` is a JSON object of keyed hashes of networks and the time of the last login from each. While
 * `password_expired` is set, a login must set a new password.
 */
export const users = sqliteTable(
  "users",
  {
    id: text().primaryKey(),
    username: text().notNull(),
    usernameKey: text("username_key").notNull(),
    email: text().notNull(),
    emailKey: text("email_key").notNull(),
    emailVerified: integer("email_verified", { mode: "boolean" }).notNull().default(false),
    passwordHash: text("password_hash"),
    passwordVersion: integer("password_version").notNull().default(1),
    passwordExpired: integer("password_expired", { mode: "boolean" }).notNull().default(false),
    dataKey: text("data_key"),
    sessionCount: integer("session_count").notNull().default(0),
    knownDevices: text("known_devices", { mode: "json" }).$type<string[]>(),
    knownNetworks: text("known_networks", { mode: "json" }).$type<Record<string, number>>(),
    firstName: text("first_name"),
    lastName: text("last_name"),
    role: text()
      .notNull()
      .references(() => roles.name),
    isActive: integer("is_active", { mode: "boolean" }).notNull().default(true),
    version: integer().notNull().default(1),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    lastLoginAt: integer("last_login_at"),
    deletedAt: integer("deleted_at"),
  },
  (table) => [
    uniqueIndex("users_living_username").on(table.usernameKey).where(sql`deleted_at IS NULL`),
    uniqueIndex("users_living_email").on(table.emailKey).where(sql`deleted_at IS NULL`),
    index("users_role").on(table.role, table.isActive, table.deletedAt),
    index("users_deleted_at").on(table.deletedAt).where(sql`deleted_at IS NOT NULL`),
    // For lists, which contain either users who are not deleted or those who are.
    index("users_living").on(table.createdAt, table.id).where(sql`deleted_at IS NULL`),
    index("users_deleted").on(table.createdAt, table.id).where(sql`deleted_at IS NOT NULL`),
  ],
);
