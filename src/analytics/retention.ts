import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import { mondayOf, toDay } from "../lib/time.ts";
import { type DayCounts, findDays, sumDays } from "./days.ts";
import { parseRange, type RangeQuery } from "./range.ts";
import { listReturned, listUnrolled } from "./repository.ts";

const WEEK = 7;
const DEFAULT_WEEKS = 12;

/** Everyone who registered in a week. */
export interface Cohort {
  /** The Monday of the week. */
  week: number;
  size: number;
  /** The share of them who were active in this week and in each later one up to the current. */
  returned: number[];
}

/**
 * The cohorts of the weeks that contain a day of the range, in order; by default, of the last twelve weeks. Weeks without a
 * registration have none. Throws `validation_failed`.
 */
export async function getRetention(ctx: Context, query: RangeQuery): Promise<Cohort[]> {
  const asked = parseRange(query, ctx.now(), (to) => mondayOf(to) - (DEFAULT_WEEKS - 1) * WEEK);
  const range = { from: mondayOf(asked.from), to: mondayOf(asked.to) + WEEK - 1 };
  const thisWeek = mondayOf(toDay(ctx.now()));
  const { returned, unrolled, ...days } = await read(ctx, {
    ...findDays(ctx, range),
    returned: listReturned(ctx.db, range),
    unrolled: listUnrolled(ctx.db, { from: range.from, to: thisWeek + WEEK - 1 }),
  });
  const active = new Map<string, number>();
  const add = (cohort: number, week: number, people: number) => {
    const key = toKey(cohort, week);
    active.set(key, (active.get(key) ?? 0) + people);
  };
  for (const { cohort, week, activeUsers } of returned) add(cohort, week, activeUsers);
  for (const { day, cohorts } of unrolled) {
    for (const [cohort, people] of Object.entries(cohorts ?? {})) {
      add(Number(cohort), mondayOf(day), people);
    }
  }
  return [...sumWeeks(sumDays(range, days))].map(([week, size]) => ({
    week,
    size,
    returned: listWeeks(week, thisWeek).map((later) =>
      later === week ? 1 : round((active.get(toKey(week, later)) ?? 0) / size),
    ),
  }));
}

const toKey = (cohort: number, week: number) => `${cohort} ${week}`;

/** The registrations of each week that had any, by its Monday. */
function sumWeeks(days: readonly DayCounts[]): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const { day, registrations } of days) {
    if (registrations === 0) continue;
    const week = mondayOf(day);
    sizes.set(week, (sizes.get(week) ?? 0) + registrations);
  }
  return sizes;
}

function listWeeks(first: number, last: number): number[] {
  return Array.from({ length: (last - first) / WEEK + 1 }, (_, index) => first + index * WEEK);
}

function round(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
