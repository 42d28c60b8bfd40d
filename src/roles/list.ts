import { PERMISSION_NAMES, PERMISSIONS } from "../access/permissions.ts";
import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { openPage, type Page, type PageRequest, toPage } from "../paging.ts";
import { findRole, listRoles, type RoleRow } from "./repository.ts";

/** A permission as the API lists it. */
interface PermissionInfo {
  name: string;
  description: string;
}

const ALL_PERMISSIONS: readonly PermissionInfo[] = PERMISSION_NAMES.toSorted().map((name) => ({
  name,
  description: PERMISSIONS[name],
}));

/** A page of the permissions, by name. */
export async function getPermissionPage(
  ctx: Context,
  request: PageRequest,
): Promise<Page<PermissionInfo>> {
  const list = listByName<PermissionInfo>(ctx, "permissions");
  const after = (await openPage(list, request))?.[0];
  await read(ctx, {});
  const rest = ALL_PERMISSIONS.filter(({ name }) => after === undefined || name > String(after));
  return toPage(list, request, rest);
}

/** A page of the roles, by name. */
export async function getRolePage(ctx: Context, request: PageRequest): Promise<Page<RoleRow>> {
  const list = listByName<RoleRow>(ctx, "roles");
  const position = await openPage(list, request);
  const { roles } = await read(ctx, {
    roles: listRoles(ctx.db, position?.[0], request.limit + 1),
  });
  return toPage(list, request, roles);
}

/** A role by name. Throws `role_not_found`. */
export async function getRole(ctx: Context, name: string): Promise<RoleRow> {
  const { roles } = await read(ctx, { roles: findRole(ctx.db, name) });
  const [role] = roles;
  if (!role) throw new AppError("role_not_found");
  return role;
}

function listByName<T extends { name: string }>({ config }: Context, scope: string) {
  return { scope, keys: config.macKeys, positionOf: ({ name }: T) => [name] };
}
