import { whereAuthorized } from "../../access/conditions.ts";
import { MAX_CUSTOM_PERMISSIONS } from "../../access/permissions.ts";
import { type Acting, read } from "../../access/read.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { findUniqueViolation } from "../../db/errors.ts";
import { AppError } from "../../errors.ts";
import { type KeepAnswer, requireUnanswered } from "../../idempotency/answers.ts";
import { countCustomPermissions, grantToAdmin, insertPermission } from "./repository.ts";
import type { CreatePermission, PermissionInfo } from "./schema.ts";

/**
 * Adds a permission of the application, which the role `admin` holds from then on. Throws `permission_exists`, `permission_limit`.
 */
export async function createPermission(
  ctx: Context,
  input: CreatePermission,
  keep: KeepAnswer<PermissionInfo>,
): Promise<PermissionInfo> {
  return retryOnConflict(async () => {
    const { acting, counts } = await read(ctx, {
      counts: countCustomPermissions(ctx.db, input.name),
    });
    await requireUnanswered(acting);
    const [{ count, isTaken } = { count: 0, isTaken: false }] = counts;
    if (isTaken) throw new AppError("permission_exists");
    if (count >= MAX_CUSTOM_PERMISSIONS) throw new AppError("permission_limit");
    return insertWithAudit(acting, input, keep);
  });
}

/** Undefined if the caller no longer may create permissions, or the limit is reached by now. */
async function insertWithAudit(
  acting: Acting,
  { name, description }: CreatePermission,
  keep: KeepAnswer<PermissionInfo>,
): Promise<PermissionInfo | undefined> {
  const now = acting.now();
  const row = { name, description, createdAt: now };
  const event = await createAuditEvent(acting, {
    action: "permission.created",
    targetType: "permission",
    targetId: name,
    changes: { description: { from: null, to: description } },
  });
  const created = { name, description, isSystem: false };
  const answer = await keep(created, acting.actor.userId);
  try {
    const { changed } = await commit(acting, {
      change: insertPermission(acting.db, row, MAX_CUSTOM_PERMISSIONS, whereAuthorized(acting, {})),
      event,
      effects: (recorded) => ({
        granted: grantToAdmin(acting.db, name, now, recorded),
        ...answer(recorded),
      }),
    });
    return changed[0] && created;
  } catch (error) {
    if (findUniqueViolation(error) !== "custom_permissions.name") throw error;
    throw new AppError("permission_exists", { cause: error });
  }
}
