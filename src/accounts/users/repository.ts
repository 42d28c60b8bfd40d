import { and, desc, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../../access/target.ts";
import { type Db, db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { roles } from "../../db/schema/roles.ts";
import { users } from "../../db/schema/users.ts";
import { prepareOnce } from "../../db/statement.ts";

export const ADMIN_ROLE = "admin";

// Qualified by hand: drizzle leaves the table's name off in a query over one table, and the inner one would be meant.
const anotherAdminRemains = sql`EXISTS (SELECT 1 FROM users AS other WHERE other.role = ${ADMIN_ROLE}
  AND other.is_active = 1 AND other.deleted_at IS NULL AND other.id <> users.id)`;

/** Columns by name: the password hash stays where it is. */
const publicColumns = {
  id: users.id,
  username: users.username,
  email: users.email,
  emailVerified: users.emailVerified,
  firstName: users.firstName,
  lastName: users.lastName,
  role: users.role,
  isActive: users.isActive,
  version: users.version,
  createdAt: users.createdAt,
  updatedAt: users.updatedAt,
  lastLoginAt: users.lastLoginAt,
  deletedAt: users.deletedAt,
};

type UserTable = typeof users.$inferSelect;
export type UserRow = Pick<UserTable, keyof typeof publicColumns>;
export type NewUser = Omit<UserTable, "passwordVersion" | "sessionCount" | "knownDevices">;
export type UserChange = Partial<
  Pick<
    UserTable,
    | "username"
    | "usernameKey"
    | "email"
    | "emailKey"
    | "emailVerified"
    | "firstName"
    | "lastName"
    | "role"
    | "isActive"
    | "deletedAt"
  >
>;

/** Creates a user where the condition holds. Breaks a unique index when the email or the username is taken. */
export function insertUser(db: Db, row: NewUser, condition: SQL) {
  const fresh = { ...row, passwordVersion: 1, sessionCount: 0, knownDevices: null };
  return insertWhere(db, users, fresh, condition).returning(publicColumns);
}

const findById = prepareOnce<{ id: string }>()(({ id }) =>
  db.select(publicColumns).from(users).where(eq(users.id, id)).limit(1),
);

/** A user, deleted or not. */
export function findUser(_db: Db, user: UserRef): ReturnType<typeof findById> {
  if (typeof user === "string") return findById({ id: user });
  return db.select(publicColumns).from(users).where(eq(users.id, user)).limit(1);
}

/** A user, deleted or not, with what decides whether someone else may change it: its permissions, and whether another active administrator remains. */
export function findManagedUser(db: Db, user: UserRef) {
  return db
    .select({
      ...publicColumns,
      dataKey: users.dataKey,
      permissions: roles.permissions,
      anotherAdminRemains: anotherAdminRemains.mapWith(Boolean).as("another_admin_remains"),
    })
    .from(users)
    .innerJoin(roles, eq(roles.name, users.role))
    .where(eq(users.id, user))
    .limit(1);
}

/** What a role grants. */
export function findRoleGrants(db: Db, name: string) {
  return db.select({ permissions: roles.permissions }).from(roles).where(eq(roles.name, name));
}

export type ManagedUser = Awaited<ReturnType<typeof findManagedUser>>[number];

/** True where an active administrator remains without this user: it is none, or not the only one. */
export const whereAdminRemains: SQL = sql`(users.role <> ${ADMIN_ROLE} OR users.is_active = 0
  OR users.deleted_at IS NOT NULL OR ${anotherAdminRemains})`;

/** A user whose loss could leave no administrator. */
export function isActiveAdmin(user: Pick<UserRow, "role" | "isActive" | "deletedAt">): boolean {
  return user.role === ADMIN_ROLE && user.isActive && user.deletedAt === null;
}

/** Deletes a user's row, and with it all that hangs on it, where the condition holds. */
export function deleteUserRow(db: Db, id: string, condition: SQL) {
  return db
    .delete(users)
    .where(and(eq(users.id, id), condition))
    .returning({ id: users.id });
}

/** Up to `limit` users who were deleted by the time given, the longest ago first. */
export function findPurgeable(db: Db, by: number, limit: number) {
  return db
    .select({ id: users.id })
    .from(users)
    .where(whereDeletedBy(by))
    .orderBy(users.deletedAt)
    .limit(limit);
}

/** True for a user who was deleted by the time given, and still is. */
export function whereDeletedBy(by: number): SQL {
  return sql`(users.deleted_at IS NOT NULL AND users.deleted_at <= ${by})`;
}

/** Changes a user who is still at this version, where the condition holds. */
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

export interface UserListFilter {
  deleted: boolean;
  /** Creation and id that the page before ended at. */
  after: readonly unknown[] | undefined;
}

/** Users by creation, the newest first, ties by id. Reads what it returns and no more. */
export function listUsers(db: Db, { deleted, after }: UserListFilter, limit: number) {
  return db
    .select(publicColumns)
    .from(users)
    .where(
      and(
        deleted ? isNotNull(users.deletedAt) : isNull(users.deletedAt),
        after && sql`(${users.createdAt}, ${users.id}) < (${after[0]}, ${after[1]})`,
      ),
    )
    .orderBy(desc(users.createdAt), desc(users.id))
    .limit(limit);
}
