import { PERMISSION_NAMES, PERMISSIONS } from "../../access/permissions.ts";
import { read } from "../../access/read.ts";
import type { Context } from "../../context.ts";
import { openPage, type Page, type PageRequest, toPage } from "../../paging.ts";
import { countAllCustomPermissions, listCustomPermissions } from "./repository.ts";
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
  const { skip = 0, limit } = request;
  const after = (await openPage(list, request))?.[0];
  // Roster's own may come before any of the application's: what is skipped is known only once both are merged.
  const { custom, counts } = await read(ctx, {
    custom: listCustomPermissions(ctx.db, after, skip + limit + 1),
    counts: request.skip !== undefined && countAllCustomPermissions(ctx.db),
  });
  const system = SYSTEM_PERMISSIONS.filter(
    ({ name }) => after === undefined || name > String(after),
  );
  const all = [...system, ...custom.map((one) => ({ ...one, isSystem: false }))];
  const sorted = all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const totals = counts.map(({ total }) => ({ total: total + SYSTEM_PERMISSIONS.length }));
  return toPage(list, request, sorted.slice(skip), totals);
}
