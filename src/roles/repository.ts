import { and, asc, eq, gt, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { insertWhere } from "../db/insert.ts";
import { roles } from "../db/schema/roles.ts";
import { users } from "../db/schema/users.ts";

/** The role of users whose own role is gone. */
export const DEFAULT_ROLE = "user";

export type RoleRow = typeof roles.$inferSelect;
type RoleChange = Pick<RoleRow, "version" | "updatedAt"> &
  Partial<Pick<RoleRow, "description" | "permissions" | "requireMfa">>;

/** Roles by name: `limit` of them after the name in `after`, or after `skip` roles. */
export function listRoles(
  db: Db,
  { after, skip = 0, limit }: { after: unknown; skip: number | undefined; limit: number },
) {
  return db
    .select()
    .from(roles)
    .where(typeof after === "string" ? gt(roles.name, after) : undefined)
    .orderBy(asc(roles.name))
    .limit(limit)
    .offset(skip);
}

/** The number of roles. */
export function countRoles(db: Db) {
  return db.select({ total: sql<number>`count(*)`.as("total") }).from(roles);
}

/** A role by name. */
export function findRole(db: Db, name: string) {
  return db.select().from(roles).where(eq(roles.name, name)).limit(1);
}

/** One user who has the role and is not deleted, if any, and one who is deleted. */
export function findRoleHolders(db: Db, name: string) {
  return {
    holders: db.select({ id: users.id }).from(users).where(whereHolds(name, "living")).limit(1),
    deletedHolders: db
      .select({ id: users.id })
      .from(users)
      .where(whereHolds(name, "deleted"))
      .limit(1),
  };
}

// `is_active` only lets the index on (role, is_active, deleted_at) find the users without reading others.
function whereHolds(name: string, who: "living" | "deleted"): SQL {
  const state = who === "living" ? isNull(users.deletedAt) : isNotNull(users.deletedAt);
  return sql`(${eq(users.role, name)} AND ${users.isActive} IN (0, 1) AND ${state})`;
}

/** Inserts a role where the condition holds. Violates the primary key if the name is taken. */
export function insertRole(db: Db, row: RoleRow, condition: SQL) {
  return insertWhere(db, roles, row, condition).returning();
}

/** Updates a role that is still as it was read, where the condition holds. */
export function updateRole(db: Db, seen: RoleRow, change: RoleChange, condition: SQL) {
  return db
    .update(roles)
    .set(change)
    .where(and(whereAsSeen(seen), condition))
    .returning();
}

/** Deletes a custom role that is still as it was read and that no user has, deleted or not, where the condition holds. */
export function deleteRoleRow(db: Db, seen: RoleRow, condition: SQL) {
  const whereUnused = sql`NOT EXISTS (SELECT 1 FROM users AS holder WHERE holder.role = ${seen.name})`;
  return db
    .delete(roles)
    .where(and(whereAsSeen(seen), whereUnused, condition))
    .returning({ name: roles.name });
}

/**
 * Gives the deleted users who have a custom role the role `user`, if the role is still as it was read and no other user has it,
 * where the condition holds.
 */
export function releaseDeletedHolders(db: Db, seen: RoleRow, now: number, condition: SQL) {
  const whereDeletable = sql`EXISTS (SELECT 1 FROM roles WHERE ${whereAsSeen(seen)})
    AND NOT EXISTS (SELECT 1 FROM users AS holder WHERE holder.role = ${seen.name} AND holder.is_active IN (0, 1)
      AND holder.deleted_at IS NULL)`;
  return db
    .update(users)
    .set({ role: DEFAULT_ROLE, version: sql`${users.version} + 1`, updatedAt: now })
    .where(and(whereHolds(seen.name, "deleted"), whereDeletable, condition));
}

// A role that was deleted and created again under its name is at version 1, too.
function whereAsSeen({ name, version, createdAt, isSystem }: RoleRow) {
  return and(
    eq(roles.name, name),
    eq(roles.version, version),
    eq(roles.createdAt, createdAt),
    eq(roles.isSystem, isSystem),
  );
}
