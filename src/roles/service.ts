import { sql } from "drizzle-orm";
import { authorize, findStanding, whereAuthorized } from "../access/conditions.ts";
import { PERMISSION_NAMES, PERMISSIONS } from "../access/permissions.ts";
import type { Principal } from "../access/principal.ts";
import { requireCovers, requireStanding } from "../access/require.ts";
import { type Changes, createAuditEvent } from "../audit/events.ts";
import { ifChanged, ifRecorded, insertAuditEvent } from "../audit/repository.ts";
import type { Context } from "../context.ts";
import { findUniqueViolation } from "../db/errors.ts";
import { AppError } from "../errors.ts";
import { type Page, type PageRequest, readPage } from "../paging.ts";
import {
  deleteRolePermissions,
  deleteRole as deleteRoleRow,
  findRole,
  insertRole,
  insertRolePermissions,
  isRoleAsSeen,
  listRoles,
  type RoleRow,
  updateRole,
} from "./repository.ts";
import type { CreateRole, ReplaceRole } from "./schema.ts";

const CACHE_KEY = "roles";

/** Others may keep changing the same role at the same moment; each round at least one of them gets through. */
const MAX_ROUNDS = 25;

/** A page of the permissions there are, by name. */
export function getPermissionPage(ctx: Context, page: PageRequest) {
  const all = PERMISSION_NAMES.toSorted().map((name) => ({ name, description: PERMISSIONS[name] }));
  return pageByName(ctx, page, "permissions", all);
}

/** A page of the roles, by name. May be ten seconds old where another isolate has changed one. */
export async function getRolePage(ctx: Context, page: PageRequest): Promise<Page<RoleRow>> {
  return pageByName(ctx, page, "roles", await getRoles(ctx));
}

/** A role, or `role_not_found`. May be ten seconds old where another isolate has changed it. */
export async function getRole(ctx: Context, name: string): Promise<RoleRow> {
  const role = (await getRoles(ctx)).find((known) => known.name === name);
  if (!role) throw new AppError("role_not_found");
  return role;
}

/** Creates a role out of permissions that the principal holds. Throws `role_exists`, `privilege_escalation`. */
export async function createRole(
  ctx: Context,
  principal: Principal,
  input: CreateRole,
): Promise<RoleRow> {
  requireCovers(principal, input.permissions);
  const { db } = ctx;
  const now = ctx.now();
  const { name, description, permissions } = input;
  const event = await createAuditEvent(ctx, {
    action: "role.created",
    targetType: "role",
    targetId: name,
    changes: {
      description: { from: null, to: description },
      permissions: { from: null, to: permissions.join(" ") },
    },
  });
  const may = authorize(principal, {
    permissions: ["roles:write", ...permissions],
    roles: [],
    now,
  });
  try {
    const [, , , [role], [standing]] = await db.batch([
      insertRole(db, { name, description, now }, whereAuthorized(may)),
      insertAuditEvent(db, event, ifChanged),
      insertRolePermissions(db, name, permissions, ifRecorded(event.id)),
      findRole(db, name),
      findStanding(db, may),
    ]);
    forgetRoles(ctx);
    requireStanding(standing);
    if (!role) throw new AppError("edit_conflict");
    return role;
  } catch (error) {
    if (findUniqueViolation(error)?.startsWith("roles.")) throw new AppError("role_exists");
    throw error;
  }
}

/**
 * Replaces what a role grants. The principal holds all that it granted and all that it is to grant. It counts for writes
 * at once, for tokens at the next refresh. Throws `role_not_found`, `system_role`, `privilege_escalation`.
 */
export async function replaceRole(
  ctx: Context,
  principal: Principal,
  name: string,
  input: ReplaceRole,
): Promise<RoleRow> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = await requireCustomRole(ctx, name);
    requireCovers(principal, [...before.permissions, ...input.permissions]);
    const changes = describeChange(before, input);
    if (!changes) return before;
    const role = await applyReplacement(ctx, principal, before, { ...input, changes });
    if (role) return role;
  }
  throw new AppError("edit_conflict");
}

/** Undefined when the role is no longer as it was seen. */
async function applyReplacement(
  ctx: Context,
  principal: Principal,
  before: RoleRow,
  { description, permissions, changes }: ReplaceRole & { changes: Changes },
): Promise<RoleRow | undefined> {
  const { db } = ctx;
  const { name } = before;
  const now = ctx.now();
  const target = { targetType: "role", targetId: name } as const;
  const event = await createAuditEvent(ctx, { action: "role.updated", ...target, changes });
  const may = authorize(principal, {
    permissions: ["roles:write", ...permissions],
    roles: [sql`${name}`],
    now,
  });
  const condition = sql`${whereAuthorized(may)} AND ${isRoleAsSeen(before)}`;
  const recorded = ifRecorded(event.id);
  const [updated, , , , [role], [standing]] = await db.batch([
    updateRole(db, { name, description, now }, condition),
    insertAuditEvent(db, event, ifChanged),
    deleteRolePermissions(db, name, permissions, recorded),
    insertRolePermissions(db, name, permissions, recorded),
    findRole(db, name),
    findStanding(db, may),
  ]);
  forgetRoles(ctx);
  if (updated.length > 0) return role;
  requireStanding(standing);
  return undefined;
}

/** Deletes a role that nobody has. Throws `role_not_found`, `system_role`, `role_in_use`, `privilege_escalation`. */
export async function deleteRole(ctx: Context, principal: Principal, name: string): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = await requireCustomRole(ctx, name);
    requireCovers(principal, before.permissions);
    if (await applyDeletion(ctx, principal, before)) return;
  }
  throw new AppError("edit_conflict");
}

/** False when the role is no longer as it was seen. Throws `role_in_use`. */
async function applyDeletion(
  ctx: Context,
  principal: Principal,
  before: RoleRow,
): Promise<boolean> {
  const { db } = ctx;
  const { name } = before;
  const event = await createAuditEvent(ctx, {
    action: "role.deleted",
    targetType: "role",
    targetId: name,
    changes: { permissions: { from: before.permissions.join(" "), to: null } },
  });
  const may = authorize(principal, {
    permissions: ["roles:write"],
    roles: [sql`${name}`],
    now: ctx.now(),
  });
  const condition = sql`${whereAuthorized(may)} AND ${isRoleAsSeen(before)}`;
  const [deleted, , [standing], [still]] = await db.batch([
    deleteRoleRow(db, name, condition),
    insertAuditEvent(db, event, ifChanged),
    findStanding(db, may),
    findRole(db, name),
  ]);
  forgetRoles(ctx);
  if (deleted.length > 0) return true;
  requireStanding(standing);
  if (still && !describeChange(before, still)) throw new AppError("role_in_use");
  return false;
}

async function requireCustomRole(ctx: Context, name: string): Promise<RoleRow> {
  const [role] = await findRole(ctx.db, name);
  if (!role) throw new AppError("role_not_found");
  if (role.isSystem) throw new AppError("system_role");
  return role;
}

function describeChange(
  before: RoleRow,
  after: Pick<RoleRow, "description" | "permissions">,
): Changes | undefined {
  const [from, to] = [before.permissions.join(" "), after.permissions.join(" ")];
  const changes = {
    ...(after.description !== before.description && {
      description: { from: before.description, to: after.description },
    }),
    ...(to !== from && { permissions: { from, to } }),
  };
  return Object.keys(changes).length > 0 ? changes : undefined;
}

async function getRoles(ctx: Context): Promise<RoleRow[]> {
  const cached = ctx.roleCache.get(CACHE_KEY, ctx.now());
  if (cached) return cached;
  const roles = await listRoles(ctx.db);
  ctx.roleCache.set(CACHE_KEY, roles, ctx.now());
  return roles;
}

function forgetRoles(ctx: Context): void {
  ctx.roleCache.delete(CACHE_KEY);
}

function pageByName<T extends { name: string }>(
  ctx: Context,
  page: PageRequest,
  scope: string,
  all: readonly T[],
): Promise<Page<T>> {
  return readPage({
    limit: page.limit,
    cursor: page.cursor,
    scope,
    keys: ctx.config.macKeys,
    placeOf: ({ name }) => [name],
    read: async (after, limit) =>
      all.filter(({ name }) => !after || name > String(after[0])).slice(0, limit),
  });
}
