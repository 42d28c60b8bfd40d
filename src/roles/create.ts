import { sql } from "drizzle-orm";
import { whereAuthorized } from "../access/conditions.ts";
import { type Acting, read } from "../access/read.ts";
import { requireCovers } from "../access/require.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { createAuditEvent } from "../audit/events.ts";
import type { Context } from "../context.ts";
import { findUniqueViolation } from "../db/errors.ts";
import { AppError, requireNoFaults } from "../errors.ts";
import { type KeepAnswer, requireUnanswered } from "../idempotency/answers.ts";
import { sortPermissions, toPermissionSet } from "./permissions/known.ts";
import { findCustomPermissions, wherePermissionsExist } from "./permissions/repository.ts";
import { insertRole, type RoleRow } from "./repository.ts";
import type { CreateRole } from "./schema.ts";

/** Creates a role from permissions that the caller holds. Throws `role_exists`, `privilege_escalation`, `validation_failed`. */
export async function createRole(
  ctx: Context,
  input: CreateRole,
  keep: KeepAnswer<RoleRow>,
): Promise<RoleRow> {
  const permissions = toPermissionSet(input.permissions);
  return retryOnConflict(async () => {
    const acting = await checkPermissions(ctx, input);
    return insertWithAudit(acting, { ...input, permissions }, keep);
  });
}

/**
 * The caller, who holds every permission in the list that exists. Throws `privilege_escalation`, and `validation_failed` for
 * those that do not.
 */
export async function checkPermissions(
  ctx: Context,
  { permissions = [] }: { permissions?: readonly string[] | undefined },
): Promise<Acting> {
  const { acting, found } = await read(ctx, { found: findCustomPermissions(ctx.db, permissions) });
  const { known, faults } = sortPermissions("permissions", permissions, found);
  requireCovers(acting.actor, known);
  await requireUnanswered(acting);
  requireNoFaults(faults);
  return acting;
}

/** Undefined if the caller no longer holds what the role grants, or one of the permissions no longer exists. */
async function insertWithAudit(
  acting: Acting,
  { name, description, permissions, require_mfa: requireMfa }: CreateRole,
  keep: KeepAnswer<RoleRow>,
): Promise<RoleRow | undefined> {
  const now = acting.now();
  const fresh = { isSystem: false, requireMfa, version: 1, createdAt: now, updatedAt: now };
  const row = { name, description, permissions, ...fresh };
  const event = await createAuditEvent(acting, {
    action: "role.created",
    targetType: "role",
    targetId: name,
    changes: {
      description: { from: null, to: description },
      permissions: { from: null, to: permissions.join(" ") },
      ...(requireMfa && { require_mfa: { from: null, to: true } }),
    },
  });
  const whereAllowed = whereAuthorized(acting, { needs: permissions });
  const condition = sql`${whereAllowed} AND ${wherePermissionsExist(permissions)}`;
  const answer = await keep(row, acting.actor.userId);
  try {
    const { changed } = await commit(acting, {
      change: insertRole(acting.db, row, condition),
      event,
      effects: answer,
    });
    return changed[0];
  } catch (error) {
    if (findUniqueViolation(error) !== "roles.name") throw error;
    throw new AppError("role_exists", { cause: error });
  }
}
