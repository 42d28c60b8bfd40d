import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { roles } from "./roles.ts";

/** The sorts of the list of users, and the columns that they compare. */
const LIST_SORTS = [
  { name: "created_at", column: "createdAt" },
  { name: "updated_at", column: "updatedAt" },
  { name: "username", column: "usernameKey" },
  { name: "email", column: "emailKey" },
  { name: "last_login_at", column: "lastLoginKey" },
] as const;

/**
 * The `…_key` columns hold the form in which usernames and emails are compared. It is unique among users who are not deleted.
 * `version` counts changes to what the API returns of a user, `password_version` changes of the password. `password_hash` is null
 * for a user without a password. `was_verified` is set once an administrator has replaced an address that was verified. `session_count` is at least the number of live sessions: each login adds one, and recounts the
 * sessions if the limit is exceeded. `known_devices` is a JSON array of keyed hashes of the user agents that have logged in.
 * `known_networks` is a JSON object of keyed hashes of networks and the time of the last login from each. While
 * `password_expired` is set, a login must set a new password. `mfa_enabled` is set while the user has a confirmed factor. Days are numbers since 1970, in UTC. `last_active_day` is that of the last login or refresh; null if that was more than 90 days ago.
 * `registered_day` is that of the registration; 0 while an invitation is not accepted, null for users who were created with a password or
 * imported. `seq` numbers users in the order in which they were added and is the
 * rowid of their row in `users_search`; a trigger sets it where an insert does not. `last_login_key` sorts users who have never
 * logged in before all others.
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
    wasVerified: integer("was_verified", { mode: "boolean" }).notNull().default(false),
    passwordHash: text("password_hash"),
    passwordVersion: integer("password_version").notNull().default(1),
    passwordExpired: integer("password_expired", { mode: "boolean" }).notNull().default(false),
    mfaEnabled: integer("mfa_enabled", { mode: "boolean" }).notNull().default(false),
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
    lastActiveDay: integer("last_active_day"),
    registeredDay: integer("registered_day"),
    seq: integer(),
    lastLoginKey: integer("last_login_key").generatedAlwaysAs(sql`coalesce(last_login_at, 0)`, {
      mode: "virtual",
    }),
  },
  (table) => [
    uniqueIndex("users_living_username").on(table.usernameKey).where(sql`deleted_at IS NULL`),
    uniqueIndex("users_living_email").on(table.emailKey).where(sql`deleted_at IS NULL`),
    uniqueIndex("users_seq").on(table.seq),
    // For the foreign key as well, which a partial index cannot serve.
    index("users_role").on(table.role, table.isActive, table.deletedAt),
    index("users_deleted_at").on(table.deletedAt).where(sql`deleted_at IS NOT NULL`),
    // For lists without filters in the default order.
    index("users_living").on(table.createdAt, table.id).where(sql`deleted_at IS NULL`),
    index("users_deleted").on(table.createdAt, table.id).where(sql`deleted_at IS NOT NULL`),
    // For all other lists, one per sort: users by what filters select, and in each of these groups in the order of the sort. A list merges the
    // groups that it contains. Of the roles, only `user` is told apart; see below for the others.
    ...LIST_SORTS.map(({ name, column }) =>
      index(`users_by_${name}`).on(
        sql`(deleted_at IS NULL)`,
        sql`(role = 'user')`,
        table.isActive,
        table.emailVerified,
        table.mfaEnabled,
        table[column],
        table.id,
      ),
    ),
    // For lists of users with one role other than `user`, which few users have: most users are not in these.
    ...LIST_SORTS.map(({ name, column }) =>
      index(`users_by_role_${name}`)
        .on(
          sql`(deleted_at IS NULL)`,
          table.role,
          table.isActive,
          table.emailVerified,
          table.mfaEnabled,
          table[column],
          table.id,
        )
        .where(sql`role <> 'user'`),
    ),
  ],
);
