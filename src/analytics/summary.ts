import { read } from "../access/read.ts";
import { type Context, momentOf } from "../context.ts";
import { toDay } from "../lib/time.ts";
import { countLiveSessions, countUsers, listDays } from "./repository.ts";

const WEEK_DAYS = 7;
const MONTH_DAYS = 30;

/** The service at this moment, in numbers. */
export interface Summary {
  users: { total: number; active: number; verified: number; withMfa: number };
  liveSessions: number;
  /** How many people were active today, on the last 7 days and on the last 30 days, today included. */
  activeUsers: { day: number; week: number; month: number };
}

/** Counts users, live sessions and active people. */
export async function getSummary(ctx: Context): Promise<Summary> {
  const { db } = ctx;
  const today = toDay(ctx.now());
  const since = ctx.now() - ctx.config.session.maxMs;
  const { counted, live, days } = await read(ctx, {
    counted: countUsers(db),
    live: countLiveSessions(db, momentOf(ctx), since),
    days: listDays(db, { from: today - MONTH_DAYS + 1, to: today }),
  });
  const [users = { total: 0, active: 0, verified: 0, withMfa: 0 }] = counted;
  return {
    users,
    liveSessions: live[0]?.total ?? 0,
    activeUsers: {
      day: countActive(days, today),
      week: countActive(days, today - WEEK_DAYS + 1),
      month: countActive(days, today - MONTH_DAYS + 1),
    },
  };
}

// Everyone is counted on the first day in the period on which they were active: when their last active day was before it.
function countActive(
  days: readonly { day: number; gaps: Readonly<Record<string, number>> }[],
  since: number,
): number {
  const counted = days.flatMap(({ day, gaps }) =>
    day < since
      ? []
      : Object.entries(gaps).map(([gap, people]) => (day - Number(gap) < since ? people : 0)),
  );
  return counted.reduce((sum, people) => sum + people, 0);
}
