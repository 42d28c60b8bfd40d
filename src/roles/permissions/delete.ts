import { whereAuthorized } from "../../access/conditions.ts";
import { isSystemPermission } from "../../access/permissions.ts";
import { read } from "../../access/read.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { deletePermissionRow, findCustomPermission, withdrawFromAdmin } from "./repository.ts";

/**
 * Deletes a permission of the application that no live API key and no role other than `admin` holds. The role `admin` loses it.
 * Throws `permission_not_found`, `system_permission`, `permission_in_use`.
 */
export async function deletePermission(ctx: Context, name: string): Promise<void> {
  const now = ctx.now();
  await retryOnConflict(async () => {
    const { acting, permissions } = await read(ctx, {
      permissions: findCustomPermission(ctx.db, name, now),
    });
    if (isSystemPermission(name)) throw new AppError("system_permission");
    const [permission] = permissions;
    if (!permission) throw new AppError("permission_not_found");
    if (permission.isHeld) throw new AppError("permission_in_use");
    const { changed } = await commit(acting, {
      change: deletePermissionRow(acting.db, name, now, whereAuthorized(acting, {})),
      event: await createAuditEvent(acting, {
        action: "permission.deleted",
        targetType: "permission",
        targetId: name,
        changes: { description: { from: permission.description, to: null } },
      }),
      effects: (recorded) => ({ withdrawn: withdrawFromAdmin(acting.db, name, now, recorded) }),
    });
    return changed[0];
  });
}
