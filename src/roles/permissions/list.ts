import { PERMISSION_NAMES, PERMISSIONS } from "../../access/permissions.ts";
import { read } from "../../access/read.ts";
import type { Context } from "../../context.ts";
import { openPage, type Page, type PageRequest, toPage } from "../../paging.ts";
import { listCustomPermissions } from "./repository.ts";
import type { PermissionInfo } from "./schema.ts";

const SYSTEM_PERMISSIONS: readonly PermissionInfo[] = PERMISSION_NAMES.map((name) => ({
  name,
  description: PERMISSIONS[name],
  isSystem: true,
}));

/** A page of all permissions, Roster's own and the application's, by name. */
export async function getPermissionPage(
  ctx: Context,
  request: PageRequest,
): Promise<Page<PermissionInfo>> {
  const list = {
    scope: "permissions",
    keys: ctx.config.macKeys,
    positionOf: ({ name }: PermissionInfo) => [name],
  };
  const after = (await openPage(list, request))?.[0];
  const { custom } = await read(ctx, {
    custom: listCustomPermissions(ctx.db, after, request.limit + 1),
  });
  const system = SYSTEM_PERMISSIONS.filter(
    ({ name }) => after === undefined || name > String(after),
  );
  const all = [...system, ...custom.map((one) => ({ ...one, isSystem: false }))];
  return toPage(
    list,
    request,
    all.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
}
