import { sql } from "drizzle-orm";
import { whereAuthorized } from "../access/conditions.ts";
import { type Acting, read } from "../access/read.ts";
import { requireCovers } from "../access/require.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { type Changes, createAuditEvent } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { requireMatch, type VersionTest } from "../http/etag.ts";
import { findUnknownPermissions, requireNoFaults, toPermissionSet } from "./permissions/known.ts";
import { findCustomPermissions, wherePermissionsExist } from "./permissions/repository.ts";
import { findRole, type RoleRow, updateRole } from "./repository.ts";
import { type ReplaceRole, toVersioned } from "./schema.ts";

export interface RoleTarget {
  name: string;
  ifMatch: VersionTest;
}

/**
 * Replaces a role's description and permissions. The caller must hold every permission that the role grants before and
 * after. Throws `role_not_found`, `system_role`, `privilege_escalation`, `version_conflict`, `validation_failed`.
 */
export async function replaceRole(
  ctx: Context,
  { name, ifMatch }: RoleTarget,
  input: ReplaceRole,
): Promise<RoleRow> {
  const after = { ...input, permissions: toPermissionSet(input.permissions) };
  return retryOnConflict(async () => {
    const { acting, roles, known } = await read(ctx, {
      roles: findRole(ctx.db, name),
      known: findCustomPermissions(ctx.db, after.permissions),
    });
    requireNoFaults(findUnknownPermissions("permissions", input.permissions, known));
    const role = requireCustom(roles[0]);
    requireCovers(acting.actor, [...role.permissions, ...after.permissions]);
    requireMatch(ifMatch, toVersioned(role));
    const changes = diffRole(role, after);
    return changes ? applyReplacement(acting, role, after, changes) : role;
  });
}

/** Returns a role that can be changed. Throws `role_not_found`, `system_role`. */
export function requireCustom(role: RoleRow | undefined): RoleRow {
  if (!role) throw new AppError("role_not_found");
  if (role.isSystem) throw new AppError("system_role");
  return role;
}

function diffRole(before: RoleRow, after: ReplaceRole): Changes | undefined {
  const [from, to] = [before.permissions.join(" "), after.permissions.join(" ")];
  const changes = {
    ...(after.description !== before.description && {
      description: { from: before.description, to: after.description },
    }),
    ...(to !== from && { permissions: { from, to } }),
  };
  return Object.keys(changes).length > 0 ? changes : undefined;
}

/** Undefined if the role is no longer as it was read, or the caller no longer holds what it grants, or a permission no longer exists. */
async function applyReplacement(
  acting: Acting,
  role: RoleRow,
  { description, permissions }: ReplaceRole,
  changes: Changes,
): Promise<RoleRow | undefined> {
  const { name } = role;
  const set = { description, permissions, version: role.version + 1, updatedAt: acting.now() };
  const whereAllowed = whereAuthorized(acting, { needs: permissions, grants: sql`${name}` });
  const condition = sql`${whereAllowed} AND ${wherePermissionsExist(permissions)}`;
  const { changed } = await commit(acting, {
    change: updateRole(acting.db, role, set, condition),
    event: await createAuditEvent(acting, {
      action: "role.updated",
      targetType: "role",
      targetId: name,
      changes,
    }),
  });
  return changed[0];
}
