import { and, asc, eq, gt, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { insertWhere } from "../db/insert.ts";
import { roles } from "../db/schema/roles.ts";
import { users } from "../db/schema/users.ts";

export type RoleRow = typeof roles.$inferSelect;
type RoleChange = Pick<RoleRow, "description" | "permissions" | "updatedAt">;

/** Roles by name, starting after the name in `after`. */
export function listRoles(db: Db, after: unknown, limit: number) {
  return db
    .select()
    .from(roles)
    .where(typeof after === "string" ? gt(roles.name, after) : undefined)
    .orderBy(asc(roles.name))
    .limit(limit);
}

/** A role by name. */
export function findRole(db: Db, name: string) {
  return db.select().from(roles).where(eq(roles.name, name)).limit(1);
}

/** One user who has the role, if any. Deleted users count, because they can be restored. */
export function findRoleHolder(db: Db, name: string) {
  return db.select({ id: users.id }).from(users).where(eq(users.role, name)).limit(1);
}

/** Inserts a role where the condition holds. Violates the primary key if the name is taken. */
export function insertRole(db: Db, row: RoleRow, condition: SQL) {
  return insertWhere(db, roles, row, condition).returning();
}

/** Updates a custom role that is still as it was read, where the condition holds. */
export function updateRole(db: Db, seen: RoleRow, change: RoleChange, condition: SQL) {
  return db
    .update(roles)
    .set(change)
    .where(and(whereAsSeen(seen), condition))
    .returning();
}

/** Deletes a custom role that is still as it was read and that no user has, where the condition holds. */
export function deleteRoleRow(db: Db, seen: RoleRow, condition: SQL) {
  const whereUnused = sql`NOT EXISTS (SELECT 1 FROM users AS holder WHERE holder.role = ${seen.name})`;
  return db
    .delete(roles)
    .where(and(whereAsSeen(seen), whereUnused, condition))
    .returning({ name: roles.name });
}

// Compares what audit events record, so that each event starts where the previous one ended. `updated_at` is too coarse:
// two changes can share a millisecond.
function whereAsSeen({ name, description, permissions }: RoleRow) {
  return and(
    eq(roles.name, name),
    eq(roles.description, description),
    eq(roles.permissions, permissions),
    eq(roles.isSystem, false),
  );
}
