import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { openPage, type Page, type PageRequest, toPage } from "../paging.ts";
import { countRoles, findRole, listRoles, type RoleRow } from "./repository.ts";

/** A page of the roles, by name. */
export async function getRolePage(ctx: Context, request: PageRequest): Promise<Page<RoleRow>> {
  const list = {
    scope: "roles",
    keys: ctx.config.macKeys,
    positionOf: ({ name }: RoleRow) => [name],
  };
  const position = await openPage(list, request);
  const { skip, limit } = request;
  const { roles, totals } = await read(ctx, {
    roles: listRoles(ctx.db, { after: position?.[0], skip, limit: limit + 1 }),
    totals: skip !== undefined && countRoles(ctx.db),
  });
  return toPage(list, request, roles, totals);
}

/** A role by name. Throws `role_not_found`. */
export async function getRole(ctx: Context, name: string): Promise<RoleRow> {
  const { roles } = await read(ctx, { roles: findRole(ctx.db, name) });
  const [role] = roles;
  if (!role) throw new AppError("role_not_found");
  return role;
}
