import type { Context } from "../context.ts";
import { firstIdAt } from "../lib/ids.ts";
import { HOUR, MINUTE } from "../lib/time.ts";
import { addUncounted, advance, listUncountedIds } from "./repository.ts";

/** How old events are before they are counted: a request may record an event a little later than its id says. */
const DELAY_MS = 10 * MINUTE;

/** How long nothing is counted after a restore of the database: `npm run backup` puts back the events that were lost. */
const RESTORE_MS = HOUR;

/**
 * Counts up to `limit` further events of the audit trail towards their days, in the order of their ids, and returns those. Each event is
 * counted once, also by concurrent runs.
 */
export async function countEvents(ctx: Context, limit: number): Promise<{ id: string }[]> {
  const { db, d1 } = ctx;
  const now = ctx.now();
  if (now < ctx.revokedBefore + RESTORE_MS) return [];
  const page = { until: firstIdAt(now - DELAY_MS), limit };
  const { events } = await d1.send({
    events: listUncountedIds(db, page),
    added: addUncounted(db, page),
    advanced: advance(db, page),
  });
  return events;
}
