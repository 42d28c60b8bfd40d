import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import { openPage, type Page, type PageRequest, toPage } from "../paging.ts";
import { countUnattributedRows, listUnattributed, type UnattributedRow } from "./repository.ts";

/** A page of counts of events that concern no known account, the newest hour first. */
export async function getUnattributedPage(
  ctx: Context,
  query: PageRequest,
): Promise<Page<UnattributedRow>> {
  const list = {
    scope: "unattributed events",
    keys: ctx.config.macKeys,
    positionOf: ({ hour, action, network, subjectId }: UnattributedRow) => [
      hour,
      action,
      network,
      subjectId,
    ],
  };
  const after = await openPage(list, query);
  const { skip, limit } = query;
  const now = ctx.now();
  const { counts, totals } = await read(ctx, {
    counts: listUnattributed(ctx.db, { now, after }, { skip, limit: limit + 1 }),
    totals: skip !== undefined && countUnattributedRows(ctx.db, now),
  });
  return toPage(list, query, counts, totals);
}
