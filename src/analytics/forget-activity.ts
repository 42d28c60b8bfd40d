import type { Context } from "../context.ts";
import { toDay } from "../lib/time.ts";
import { clearLastActiveDays, findLastPlace, findProgress, storeProgress } from "./repository.ts";

const NAME = "last_active_days";

/** For how many days it is known when a person was last active. */
export const ACTIVITY_RETENTION_DAYS = 90;

/**
 * Forgets when people were last active if that is more than 90 days ago. Once per day, walks all users, `limit` of them per round: an
 * index would cost a row for each person and day. Returns the places that it has looked at; none once it is done for the day.
 */
export async function forgetActivity(ctx: Context, limit: number): Promise<readonly unknown[]> {
  const { db, d1 } = ctx;
  const today = toDay(ctx.now());
  const { progress, places } = await d1.send({
    progress: findProgress(db, NAME),
    places: findLastPlace(db),
  });
  const { day, place } = parseProgress(progress[0]?.through);
  const after = day === today ? place : 0;
  const last = places[0]?.seq ?? 0;
  if (after >= last) return [];
  const to = Math.min(after + limit, last);
  await d1.send({
    cleared: clearLastActiveDays(db, { after, to, before: today - ACTIVITY_RETENTION_DAYS }),
    stored: storeProgress(db, NAME, JSON.stringify({ day: today, place: to })),
  });
  return Array.from({ length: to - after });
}

function parseProgress(through: string | undefined): { day: number; place: number } {
  return through === undefined ? { day: 0, place: 0 } : JSON.parse(through);
}
