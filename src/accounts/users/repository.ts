import { and, eq, type SQL, sql } from "drizzle-orm";
import { type Account, accountColumns } from "../../access/callers.ts";
import type { UserRef } from "../../access/target.ts";
import { type Db, db } from "../../db/client.ts";
import { insertRowsWhere, insertWhere } from "../../db/insert.ts";
import { roles } from "../../db/schema/roles.ts";
import { users } from "../../db/schema/users.ts";
import { prepareOnce } from "../../db/statement.ts";

export const ADMIN_ROLE = "admin";

// Columns are qualified by hand: drizzle omits the table name in a query over one table, and they would refer to the inner one.
const whereAnotherAdminRemains = sql`EXISTS (SELECT 1 FROM users AS other WHERE other.role = ${ADMIN_ROLE}
  AND other.is_active = 1 AND other.deleted_at IS NULL AND other.id <> users.id)`;

/** The columns are listed, so that the password hash never leaves D1. */
export const publicColumns = { id: users.id, ...accountColumns };

type UserTable = typeof users.$inferSelect;
export type UserRow = Account;
export type NewUser = Omit<UserTable, keyof typeof FRESH | "lastLoginKey">;
export type UserChange = Partial<
  Pick<
    UserTable,
    | "username"
    | "usernameKey"
    | "email"
    | "emailKey"
    | "emailVerified"
    | "wasVerified"
    | "mfaEnabled"
    | "firstName"
    | "lastName"
    | "role"
    | "isActive"
    | "deletedAt"
  >
>;

/** What only logins, changes of the password and replaced addresses set, and the place in the order of users. */
const FRESH = {
  wasVerified: false,
  passwordVersion: 1,
  passwordExpired: false,
  mfaEnabled: false,
  sessionCount: 0,
  knownDevices: null,
  knownNetworks: null,
  lastActiveDay: null,
  seq: sql`(SELECT coalesce(max(seq), 0) + 1 FROM users)`,
};

/** Inserts a user where the condition holds. Violates a unique index if the email or the username is taken. */
export function insertUser(db: Db, row: NewUser, condition: SQL) {
  return insertWhere(db, users, { ...row, ...FRESH }, condition).returning(publicColumns);
}

/** A new user as `insertUser` returns it. */
export function toUserRow({
  usernameKey,
  emailKey,
  passwordHash,
  dataKey,
  registeredDay,
  ...row
}: NewUser): UserRow {
  return { ...row, hasPassword: passwordHash !== null, mfaEnabled: FRESH.mfaEnabled };
}

/**
 * Inserts each of many users where the condition holds for it, unless their email or username is taken by another or by an earlier
 * one of them. Returns the ids of those that were inserted.
 */
export function insertUsers(db: Db, rows: readonly NewUser[], condition: SQL) {
  // A trigger sets `seq`, one after the other.
  const fresh = rows.map((row) => ({ ...row, ...FRESH, seq: null }));
  return insertRowsWhere(db, users, fresh, condition)
    .onConflictDoNothing()
    .returning({ id: users.id });
}

const findById = prepareOnce<{ id: string }>()(({ id }) =>
  db.select(publicColumns).from(users).where(eq(users.id, id)).limit(1),
);

/** A user, deleted or not. */
export function findUser(_db: Db, user: UserRef): ReturnType<typeof findById> {
  if (typeof user === "string") return findById({ id: user });
  return db.select(publicColumns).from(users).where(eq(users.id, user)).limit(1);
}

/**
 * A user, deleted or not, with what decides who may change it: the permissions of its role, and whether another active
 * administrator remains.
 */
export function findManagedUser(_db: Db, user: UserRef): ReturnType<typeof findManagedById> {
  if (typeof user === "string") return findManagedById({ id: user });
  return selectManagedUsers(sql`${users.id} = ${user}`).limit(1);
}

const findManagedById = prepareOnce<{ id: string }>()(({ id }) =>
  selectManagedUsers(sql`${users.id} = ${id}`).limit(1),
);

/** As `findManagedUser`, for many users. Returns those who exist, in any order. */
export function listManagedUsers(_db: Db, ids: readonly string[]) {
  return selectManagedUsers(
    sql`${users.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
  );
}

function selectManagedUsers(condition: SQL) {
  return db
    .select({
      ...publicColumns,
      dataKey: users.dataKey,
      permissions: roles.permissions,
      anotherAdminRemains: whereAnotherAdminRemains.mapWith(Boolean).as("another_admin_remains"),
    })
    .from(users)
    .innerJoin(roles, eq(roles.name, users.role))
    .where(condition);
}

/** The permissions that a role grants. */
export function findRoleGrants(db: Db, name: string) {
  return db.select({ permissions: roles.permissions }).from(roles).where(eq(roles.name, name));
}

export type ManagedUser = Awaited<ReturnType<typeof findManagedUser>>[number];

/** True if an active administrator remains without this user, who is none or not the only one. */
export const whereAdminRemains: SQL = sql`(users.role <> ${ADMIN_ROLE} OR users.is_active = 0
  OR users.deleted_at IS NOT NULL OR ${whereAnotherAdminRemains})`;

/** True once an active administrator exists. */
export const whereAdminExists: SQL = sql`EXISTS (SELECT 1 FROM users AS admin WHERE admin.role = ${ADMIN_ROLE}
  AND admin.is_active = 1 AND admin.deleted_at IS NULL)`;

/** True for an active administrator, whose removal could leave the service without one. */
export function isActiveAdmin(user: Pick<UserRow, "role" | "isActive" | "deletedAt">): boolean {
  return user.role === ADMIN_ROLE && user.isActive && user.deletedAt === null;
}

/** Deletes a user's row and, by cascade, all rows that reference it, where the condition holds. */
export function deleteUserRow(db: Db, id: string, condition: SQL) {
  return db
    .delete(users)
    .where(and(eq(users.id, id), condition))
    .returning({ id: users.id });
}

/** Up to `limit` users who were deleted at or before the time in `by`, the earliest first. */
export function findPurgeable(db: Db, by: number, limit: number) {
  return db
    .select({ id: users.id })
    .from(users)
    .where(whereDeletedBy(by))
    .orderBy(users.deletedAt)
    .limit(limit);
}

/** True for a user who was deleted at or before the time in `by`, and has not been restored. */
export function whereDeletedBy(by: number): SQL {
  return sql`(users.deleted_at IS NOT NULL AND users.deleted_at <= ${by})`;
}

/** Updates a user who is still at this version, where the condition holds. */
export function updateUser(
  db: Db,
  at: { id: string; version: number; now: number },
  change: UserChange,
  condition: SQL,
) {
  return db
    .update(users)
    .set({ ...change, version: at.version + 1, updatedAt: at.now })
    .where(and(eq(users.id, at.id), eq(users.version, at.version), condition))
    .returning(publicColumns);
}
