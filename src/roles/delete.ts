import { sql } from "drizzle-orm";
import { whereAuthorized } from "../access/conditions.ts";
import { type Acting, read } from "../access/read.ts";
import { requireCovers } from "../access/require.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { createAuditEvent } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { requireCustom } from "./replace.ts";
import { deleteRoleRow, findRole, findRoleHolder, type RoleRow } from "./repository.ts";

/**
 * Deletes a role that no user has. The caller must hold every permission that it grants.
 * Throws `role_not_found`, `system_role`, `role_in_use`, `privilege_escalation`.
 */
export async function deleteRole(ctx: Context, name: string): Promise<void> {
  await retryOnConflict(async () => {
    const { acting, roles, holders } = await read(ctx, {
      roles: findRole(ctx.db, name),
      holders: findRoleHolder(ctx.db, name),
    });
    const role = requireCustom(roles[0]);
    requireCovers(acting.actor, role.permissions);
    if (holders.length > 0) throw new AppError("role_in_use");
    return applyDeletion(acting, role);
  });
}

/** Undefined if the role is no longer as it was read, is in use by now, or the caller no longer holds what it grants. */
async function applyDeletion(
  acting: Acting,
  role: RoleRow,
): Promise<Pick<RoleRow, "name"> | undefined> {
  const { name, permissions } = role;
  const { changed } = await commit(acting, {
    change: deleteRoleRow(acting.db, role, whereAuthorized(acting, { grants: sql`${name}` })),
    event: await createAuditEvent(acting, {
      action: "role.deleted",
      targetType: "role",
      targetId: name,
      changes: { permissions: { from: permissions.join(" "), to: null } },
    }),
  });
  return changed[0];
}
