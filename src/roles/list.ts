import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { openPage, type Page, type PageRequest, toPage } from "../paging.ts";
import { findRole, listRoles, type RoleRow } from "./repository.ts";

/** A page of the roles, by name. */
export async function getRolePage(ctx: Context, request: PageRequest): Promise<Page<RoleRow>> {
  const list = {
    scope: "roles",
    keys: ctx.config.macKeys,
    positionOf: ({ name }: RoleRow) => [name],
  };
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
