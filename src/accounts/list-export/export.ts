import { read } from "../../access/read.ts";
import { requirePermissions } from "../../access/require.ts";
import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { Paged } from "../../lib/json-stream.ts";
import { listUsers, type UserRow } from "../users/repository.ts";
import type { ListUsersQuery } from "../users/schema.ts";

/** How many users are read per round trip. Only one page is in memory at a time. */
const PAGE_ROWS = 500;

export type UserFilters = Omit<ListUsersQuery, "limit" | "cursor">;

/**
 * All users whom the list's filters select, in its order, page by page. The export is recorded before the first page is returned.
 * Every page is authorized like a request of its own. A user who is created meanwhile is included or not; nobody is included twice.
 * Throws `forbidden`.
 */
export async function exportUsers(ctx: Context, filters: UserFilters): Promise<Paged<UserRow>> {
  const first = await readPage(ctx, filters, undefined);
  const event = await createAuditEvent(first.acting, {
    action: "users.exported",
    targetType: "user",
    targetId: null,
    metadata: { deleted: filters.deleted ?? false },
  });
  await recordEvents(first.acting, [event]);
  return readPages(ctx, filters, first.users);
}

async function* readPages(
  ctx: Context,
  filters: UserFilters,
  first: UserRow[],
): AsyncGenerator<UserRow[]> {
  for (let page = first; page.length > 0; ) {
    yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE_ROWS) return;
    page = (await readPage(ctx, filters, last)).users;
  }
}

async function readPage(ctx: Context, filters: UserFilters, last: UserRow | undefined) {
  const deleted = filters.deleted ?? false;
  const after = last && [last.createdAt, last.id];
  const { acting, users } = await read(ctx, {
    users: listUsers(ctx.db, { deleted, after }, PAGE_ROWS),
  });
  if (deleted) requirePermissions(acting.actor, ["users:delete"]);
  return { acting, users };
}
