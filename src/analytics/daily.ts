import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import { type DayCounts, findDays, sumDays } from "./days.ts";
import { parseRange, type RangeQuery } from "./range.ts";

const DEFAULT_DAYS = 30;

/** What happened on each day, in order; by default, on the last 30 days. Throws `validation_failed`. */
export async function getDaily(ctx: Context, query: RangeQuery): Promise<DayCounts[]> {
  const range = parseRange(query, ctx.now(), (to) => to - DEFAULT_DAYS + 1);
  return sumDays(range, await read(ctx, findDays(ctx, range)));
}
