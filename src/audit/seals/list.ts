import { read } from "../../access/read.ts";
import type { Context } from "../../context.ts";
import { openPage, type Page, type PageRequest, toPage } from "../../paging.ts";
import { countSeals, listSeals, type SealRow } from "./repository.ts";

/** A page of the seals of the trail, the newest first. */
export async function getSealPage(ctx: Context, query: PageRequest): Promise<Page<SealRow>> {
  const list = {
    scope: "audit seals",
    keys: ctx.config.macKeys,
    positionOf: ({ day }: SealRow) => [day],
  };
  const [before] = (await openPage(list, query)) ?? [];
  const { skip, limit } = query;
  const { seals, totals } = await read(ctx, {
    seals: listSeals(ctx.db, before, { skip, limit: limit + 1 }),
    totals: skip !== undefined && countSeals(ctx.db),
  });
  return toPage(list, query, seals, totals);
}
