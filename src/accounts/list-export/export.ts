import { read } from "../../access/read.ts";
import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { Paged } from "../../lib/json-stream.ts";
import { selectUsers } from "../users/list.ts";
import { type ListedUser, positionOf } from "../users/list-repository.ts";
import type { ExportUsersQuery } from "../users/schema.ts";

/** How many users are read per round trip. Only one page is in memory at a time. */
const PAGE_ROWS = 500;

/**
 * All users whom the list's filters select, in its order, page by page. The export is recorded before the first page is returned.
 * Every page is authorized like a request of its own. A user who is created meanwhile is included or not. Nobody is included twice,
 * except someone whose sort field changes meanwhile.
 * Throws `forbidden`.
 */
export async function exportUsers(
  ctx: Context,
  filters: ExportUsersQuery,
): Promise<Paged<ListedUser>> {
  const first = await readPage(ctx, filters, undefined);
  const event = await createAuditEvent(first.acting, {
    action: "users.exported",
    targetType: "user",
    targetId: null,
    metadata: describeFilters(filters),
  });
  await recordEvents(first.acting, [event]);
  return readPages(ctx, filters, first.users);
}

// The words of a search may be personal data, so the event records only that there were some.
function describeFilters({ q, deleted = false, ...filters }: ExportUsersQuery) {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  return { deleted, searched: q !== undefined, ...Object.fromEntries(given) };
}

async function* readPages(
  ctx: Context,
  filters: ExportUsersQuery,
  first: ListedUser[],
): AsyncGenerator<ListedUser[]> {
  for (let page = first; page.length > 0; ) {
    yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE_ROWS) return;
    page = (await readPage(ctx, filters, last)).users;
  }
}

async function readPage(ctx: Context, filters: ExportUsersQuery, last: ListedUser | undefined) {
  const after = last && positionOf(last);
  return read(ctx, {
    users: selectUsers(ctx, filters, { after, skip: undefined, limit: PAGE_ROWS }),
  });
}
