import type { Context } from "../context.ts";
import { HOUR, toDay } from "../lib/time.ts";
import { clearCohorts, rollUpCohorts } from "./repository.ts";

/** How long after its end a day is rolled up. */
const DELAY_MS = HOUR;

/**
 * Adds the counts by cohort of all days that are over to those of their weeks, and returns the days. Only these counts grow with the age of
 * the service, and so a day keeps them no longer than it must.
 */
export async function rollUpDays(ctx: Context): Promise<{ day: number }[]> {
  const before = toDay(ctx.now() - DELAY_MS);
  const { cleared } = await ctx.d1.send({
    added: rollUpCohorts(ctx.db, before),
    cleared: clearCohorts(ctx.db, before),
  });
  return cleared;
}
