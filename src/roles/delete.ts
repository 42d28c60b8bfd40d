import { sql } from "drizzle-orm";
import { whereAuthorized } from "../access/conditions.ts";
import { type Acting, read } from "../access/read.ts";
import { requireCovers } from "../access/require.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { createAuditEvent } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { requireMatch } from "../http/etag.ts";
import { type RoleTarget, requireCustom } from "./replace.ts";
import {
  DEFAULT_ROLE,
  deleteRoleRow,
  findRole,
  findRoleHolders,
  type RoleRow,
  releaseDeletedHolders,
} from "./repository.ts";
import { toVersioned } from "./schema.ts";

/**
 * Deletes a role that no user has. Deleted users who have it get the role `user`, in case they are restored. The caller must
 * hold every permission that it grants.
 * Throws `role_not_found`, `system_role`, `role_in_use`, `privilege_escalation`, `version_conflict`.
 */
export async function deleteRole(ctx: Context, { name, ifMatch }: RoleTarget): Promise<void> {
  await retryOnConflict(async () => {
    const { acting, roles, holders, deletedHolders } = await read(ctx, {
      roles: findRole(ctx.db, name),
      ...findRoleHolders(ctx.db, name),
    });
    const role = requireCustom(roles[0]);
    requireCovers(acting.actor, role.permissions);
    requireMatch(ifMatch, toVersioned(role));
    if (holders.length > 0) throw new AppError("role_in_use");
    return applyDeletion(acting, role, deletedHolders.length > 0);
  });
}

/** Undefined if the role is no longer as it was read, is in use by now, or the caller no longer holds what it grants. */
async function applyDeletion(
  acting: Acting,
  role: RoleRow,
  hasDeletedHolders: boolean,
): Promise<Pick<RoleRow, "name"> | undefined> {
  const { db } = acting;
  const { name, permissions } = role;
  const condition = whereAuthorized(acting, { grants: sql`${name}` });
  const { changed } = await commit(acting, {
    before: {
      released: hasDeletedHolders && releaseDeletedHolders(db, role, acting.now(), condition),
    },
    change: deleteRoleRow(db, role, condition),
    event: await createAuditEvent(acting, {
      action: "role.deleted",
      targetType: "role",
      targetId: name,
      changes: { permissions: { from: permissions.join(" "), to: null } },
      ...(hasDeletedHolders && { metadata: { deleted_users_now: DEFAULT_ROLE } }),
    }),
  });
  return changed[0];
}
