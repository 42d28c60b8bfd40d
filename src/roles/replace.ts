import { sql } from "drizzle-orm";
import { whereAuthorized } from "../access/conditions.ts";
import { type Acting, read } from "../access/read.ts";
import { requireCovers } from "../access/require.ts";
import { requireStepUp } from "../access/step-up.ts";
import { commit, retryOnConflict } from "../audit/commit.ts";
import { type Changes, createAuditEvent } from "../audit/events.ts";
import {
  endFurtherSessions,
  endSessionsWithoutFactor,
} from "../authentication/sessions/require-factor.ts";
import type { Context } from "../context.ts";
import { AppError, requireNoFaults } from "../errors.ts";
import { requireMatch, type VersionTest } from "../http/etag.ts";
import { findReadOnlyFaults } from "../http/fields.ts";
import { sortPermissions, toPermissionSet } from "./permissions/known.ts";
import { findCustomPermissions, wherePermissionsExist } from "./permissions/repository.ts";
import { findRole, type RoleRow, updateRole } from "./repository.ts";
import { presentRole, READ_ONLY_FIELDS, type ReplaceRole, toVersioned } from "./schema.ts";

const NO_SESSIONS = { ended: false, holders: false } as const;

export interface RoleTarget {
  name: string;
  ifMatch: VersionTest;
}

/**
 * Replaces a role's description and permissions, and whether it requires a second factor; of a system role, only the latter can
 * change. From then on, the sessions of holders without a second factor have ended. The caller must hold every permission that the
 * role grants before and after. Throws `privilege_escalation`, `validation_failed`, `role_not_found`, `system_role`, `version_conflict`.
 */
export async function replaceRole(
  ctx: Context,
  target: RoleTarget,
  input: ReplaceRole,
): Promise<RoleRow> {
  return retryOnConflict(async () => {
    const { acting, found: role } = await checkReplacement(ctx, target, input);
    if (!role) throw new AppError("role_not_found");
    const after = toSettings(role, input);
    const changes = diffRole(role, after);
    if (role.isSystem && (changes?.description || changes?.permissions)) {
      throw new AppError("system_role");
    }
    return changes ? applyReplacement(acting, role, after, changes) : role;
  });
}

/**
 * The caller, who holds what the role grants before and after, and the role. Throws `privilege_escalation`,
 * `insufficient_user_authentication` if the role will grant more or ask less, `version_conflict`, and `validation_failed` with all that a schema cannot find wrong.
 */
export async function checkReplacement(
  ctx: Context,
  { name, ifMatch }: RoleTarget,
  input: Partial<ReplaceRole>,
) {
  const { permissions = [] } = input;
  const { acting, roles, custom } = await read(ctx, {
    roles: findRole(ctx.db, name),
    custom: findCustomPermissions(ctx.db, permissions),
  });
  const [found] = roles;
  const { known, faults } = sortPermissions("permissions", permissions, custom);
  requireCovers(acting.actor, [...(found?.permissions ?? []), ...known]);
  if (found && isLooser(input, known, found)) requireStepUp(acting);
  if (found) requireMatch(ifMatch, toVersioned(found));
  const readOnly = found ? findReadOnlyFaults(input, presentRole(found), READ_ONLY_FIELDS) : [];
  requireNoFaults([...faults, ...readOnly]);
  return { acting, found };
}

/** Whether a replacement gives the holders of a role more permissions, or asks less of them. */
function isLooser(
  { require_mfa }: Partial<ReplaceRole>,
  permissions: readonly string[],
  role: RoleRow,
): boolean {
  const isLarger = permissions.some((permission) => !role.permissions.includes(permission));
  return isLarger || (role.requireMfa && require_mfa === false);
}

type RoleSettings = Pick<RoleRow, "description" | "permissions" | "requireMfa">;

function toSettings(role: RoleRow, input: ReplaceRole): RoleSettings {
  return {
    description: input.description ?? (role.isSystem ? role.description : ""),
    permissions: toPermissionSet(input.permissions),
    requireMfa: input.require_mfa ?? role.requireMfa,
  };
}

/** Returns a role that can be deleted. Throws `role_not_found`, `system_role`. */
export function requireCustom(role: RoleRow | undefined): RoleRow {
  if (!role) throw new AppError("role_not_found");
  if (role.isSystem) throw new AppError("system_role");
  return role;
}

function diffRole(before: RoleRow, after: RoleSettings): Changes | undefined {
  const [from, to] = [before.permissions.join(" "), after.permissions.join(" ")];
  const changes = {
    ...(after.description !== before.description && {
      description: { from: before.description, to: after.description },
    }),
    ...(to !== from && { permissions: { from, to } }),
    ...(after.requireMfa !== before.requireMfa && {
      require_mfa: { from: before.requireMfa, to: after.requireMfa },
    }),
  };
  return Object.keys(changes).length > 0 ? changes : undefined;
}

/**
 * Undefined if the role is no longer as it was read, or the caller no longer holds what it grants, or a permission no longer
 * exists.
 */
async function applyReplacement(
  acting: Acting,
  role: RoleRow,
  settings: RoleSettings,
  changes: Changes,
): Promise<RoleRow | undefined> {
  const { name } = role;
  const { permissions } = settings;
  const set = { ...settings, version: role.version + 1, updatedAt: acting.now() };
  const whereAllowed = whereAuthorized(acting, { needs: permissions, grants: sql`${name}` });
  const condition = sql`${whereAllowed} AND ${wherePermissionsExist(permissions)}`;
  const endsSessions = settings.requireMfa && !role.requireMfa;
  const { changed, ended, holders } = await commit(acting, {
    change: updateRole(acting.db, role, set, condition),
    event: await createAuditEvent(acting, {
      action: "role.updated",
      targetType: "role",
      targetId: name,
      changes,
    }),
    effects: (recorded) =>
      endsSessions ? endSessionsWithoutFactor(acting, { role: name }, recorded) : NO_SESSIONS,
  });
  const [replaced] = changed;
  if (replaced) endFurtherSessions(acting, name, { ended, holders });
  return replaced;
}
