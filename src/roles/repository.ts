import { asc, eq, type SQL, sql } from "drizzle-orm";
import { permissionsOfRole } from "../access/conditions.ts";
import type { Db } from "../db/client.ts";
import { rolePermissions, roles } from "../db/schema/roles.ts";

const columns = {
  name: roles.name,
  description: roles.description,
  isSystem: roles.isSystem,
  createdAt: roles.createdAt,
  updatedAt: roles.updatedAt,
  permissions: permissionsOfRole(sql`roles.name`).as("permissions"),
};

/** Every role with what it grants, by name. */
export function listRoles(db: Db) {
  return db.select(columns).from(roles).orderBy(asc(roles.name));
}

export type RoleRow = Awaited<ReturnType<typeof listRoles>>[number];

export function findRole(db: Db, name: string) {
  return db.select(columns).from(roles).where(eq(roles.name, name));
}

/** True while a role is as it was read, so that what is recorded of a change begins where the change before ended. */
export function isRoleAsSeen({ name, description, permissions }: RoleRow): SQL {
  return sql`EXISTS (SELECT 1 FROM roles AS seen WHERE seen.name = ${name} AND seen.description = ${description}
    AND ${permissionsOfRole(sql`seen.name`)} = ${JSON.stringify(permissions)})`;
}

/** Creates a role where the condition holds. Breaks the primary key when there is one of this name. */
export function insertRole(
  db: Db,
  row: { name: string; description: string; now: number },
  condition: SQL,
) {
  return db
    .insert(roles)
    .select(
      sql`SELECT ${row.name}, ${row.description}, 0, ${row.now}, ${row.now} WHERE ${condition}`,
    )
    .returning({ name: roles.name });
}

/** Changes a role that is not a system role where the condition holds. */
export function updateRole(
  db: Db,
  row: { name: string; description: string; now: number },
  condition: SQL,
) {
  return db
    .update(roles)
    .set({ description: row.description, updatedAt: row.now })
    .where(sql`${roles.name} = ${row.name} AND ${roles.isSystem} = 0 AND ${condition}`)
    .returning({ name: roles.name });
}

/** Deletes a role that is not a system role and that no user has, deleted ones included, where the condition holds. */
export function deleteRole(db: Db, name: string, condition: SQL) {
  return db
    .delete(roles)
    .where(
      sql`${roles.name} = ${name} AND ${roles.isSystem} = 0 AND ${condition}
        AND NOT EXISTS (SELECT 1 FROM users WHERE users.role = ${name})`,
    )
    .returning({ name: roles.name });
}

/** Takes from a role what is not listed, where the condition holds. */
export function deleteRolePermissions(
  db: Db,
  name: string,
  except: readonly string[],
  condition: SQL,
) {
  return db.delete(rolePermissions).where(
    sql`${rolePermissions.role} = ${name} AND ${condition}
        AND ${rolePermissions.permission} NOT IN (SELECT value FROM json_each(${JSON.stringify(except)}))`,
  );
}

/** Adds to a role what is listed and it lacks, where the condition holds. */
export function insertRolePermissions(
  db: Db,
  name: string,
  permissions: readonly string[],
  condition: SQL,
) {
  return db
    .insert(rolePermissions)
    .select(
      sql`SELECT ${name}, added.value FROM json_each(${JSON.stringify(permissions)}) AS added WHERE ${condition}`,
    )
    .onConflictDoNothing();
}
