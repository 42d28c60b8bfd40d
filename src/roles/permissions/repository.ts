import { and, asc, eq, gt, type SQL, sql } from "drizzle-orm";
import { findNameFault, isSelfScope, isSystemPermission } from "../../access/permissions.ts";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { customPermissions } from "../../db/schema/custom-permissions.ts";
import { roles } from "../../db/schema/roles.ts";

/** The role that holds every permission. */
const ADMIN_ROLE = "admin";

export type CustomPermission = typeof customPermissions.$inferSelect;

const isCustom = (name: string) => !isSystemPermission(name) && !isSelfScope(name);
const isPossible = (name: string) => isCustom(name) && findNameFault(name) === undefined;

/** Permissions of the application by name, starting after the name in `after`. */
export function listCustomPermissions(db: Db, after: unknown, limit: number) {
  return db
    .select({ name: customPermissions.name, description: customPermissions.description })
    .from(customPermissions)
    .where(typeof after === "string" ? gt(customPermissions.name, after) : undefined)
    .orderBy(asc(customPermissions.name))
    .limit(limit);
}

/** The number of permissions of the application. */
export function countAllCustomPermissions(db: Db) {
  return db.select({ total: sql<number>`count(*)`.as("total") }).from(customPermissions);
}

/** Which permissions of the application in a list exist; undefined if the list has none. */
export function findCustomPermissions(db: Db, names: readonly string[]) {
  const custom = names.filter(isPossible);
  if (custom.length === 0) return undefined;
  return db
    .select({ name: customPermissions.name })
    .from(customPermissions)
    .where(
      sql`${customPermissions.name} IN (SELECT value FROM json_each(${JSON.stringify(custom)}))`,
    );
}

/** True while every permission in the list exists. Those of Roster itself always do. */
export function wherePermissionsExist(names: readonly string[]): SQL {
  const custom = names.filter(isCustom);
  if (custom.length === 0) return sql`true`;
  return sql`NOT EXISTS (SELECT 1 FROM json_each(${JSON.stringify(custom)}) AS wanted
    WHERE NOT EXISTS (SELECT 1 FROM custom_permissions AS known WHERE known.name = wanted.value))`;
}

/** A permission of the application, and whether a role other than `admin` or a live API key holds it. */
export function findCustomPermission(db: Db, name: string, now: number) {
  return db
    .select({
      name: customPermissions.name,
      description: customPermissions.description,
      isHeld: sql`NOT ${whereUnheld(name, now)}`.mapWith(Boolean).as("is_held"),
    })
    .from(customPermissions)
    .where(eq(customPermissions.name, name));
}

/** Whether the application has a permission of this name, and how many it has. */
export function countCustomPermissions(db: Db, name: string) {
  return db
    .select({
      count: sql<number>`count(*)`.as("count"),
      isTaken: sql`coalesce(max(${customPermissions.name} = ${name}), 0)`
        .mapWith(Boolean)
        .as("is_taken"),
    })
    .from(customPermissions);
}

/**
 * Inserts a permission where the condition holds and there are fewer than the limit. Violates the primary key if the name is
 * taken.
 */
export function insertPermission(db: Db, row: CustomPermission, limit: number, condition: SQL) {
  const whereFewer = sql`(SELECT count(*) FROM custom_permissions) < ${limit}`;
  return insertWhere(db, customPermissions, row, sql`${condition} AND ${whereFewer}`).returning();
}

/** Deletes a permission that neither a role other than `admin` nor a live API key holds, where the condition holds. */
export function deletePermissionRow(db: Db, name: string, now: number, condition: SQL) {
  return db
    .delete(customPermissions)
    .where(and(eq(customPermissions.name, name), whereUnheld(name, now), condition))
    .returning({ name: customPermissions.name });
}

/** Adds a permission to the role `admin`, where the condition holds. */
export function grantToAdmin(db: Db, name: string, now: number, condition: SQL) {
  const whole = sql`(SELECT value FROM json_each(roles.permissions) UNION SELECT ${name})`;
  return updateAdmin(db, whole, now, condition);
}

/** Removes a permission from the role `admin`, where the condition holds. */
export function withdrawFromAdmin(db: Db, name: string, now: number, condition: SQL) {
  const rest = sql`(SELECT value FROM json_each(roles.permissions) WHERE value <> ${name})`;
  return updateAdmin(db, rest, now, condition);
}

function updateAdmin(db: Db, names: SQL, now: number, condition: SQL) {
  const permissions = sql`(SELECT json_group_array(value ORDER BY value) FROM ${names})`;
  return db
    .update(roles)
    .set({ permissions, version: sql`${roles.version} + 1`, updatedAt: now })
    .where(and(eq(roles.name, ADMIN_ROLE), condition));
}

// Reads every role and every key that is not revoked: the names in a JSON array have no index. Only holders of roles:write can make
// it run. A quoted name is in the text only if it is an element.
function whereUnheld(name: string, now: number): SQL {
  const quoted = JSON.stringify(name);
  return sql`(NOT EXISTS (SELECT 1 FROM roles WHERE roles.name <> ${ADMIN_ROLE} AND instr(roles.permissions, ${quoted}) > 0)
    AND NOT EXISTS (SELECT 1 FROM api_keys AS live WHERE (live.revoked_at IS NULL) = 1
      AND (live.expires_at IS NULL OR live.expires_at > ${now}) AND instr(live.scopes, ${quoted}) > 0))`;
}
