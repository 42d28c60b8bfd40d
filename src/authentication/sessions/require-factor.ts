import type { SQL } from "drizzle-orm";
import { afterResponse, type Context } from "../../context.ts";
import { describeError } from "../../platform/logger.ts";
import { cacheEndedSessions } from "./cache.ts";
import {
  type EndedSession,
  listHoldersWithoutFactor,
  revokeSessionsOfHolders,
  whereFactorRequired,
} from "./repository.ts";

/** How many holders of a role a transaction visits. */
const PAGE_HOLDERS = 500;

/** The sessions of further holders are not marked as ended. They are refused all the same: see `toPrincipal`. */
const MAX_PAGES = 100;

/**
 * The statements that end the sessions of the first holders of a role who have no second factor, where the condition holds. For the
 * transaction from which on the role requires one. Pass the rows that they return to `endFurtherSessions`.
 */
export function endSessionsWithoutFactor(
  { db, now }: Context,
  { role, after = 0 }: { role: string; after?: number },
  condition: SQL,
) {
  const page = { role, after, limit: PAGE_HOLDERS };
  return {
    ended: revokeSessionsOfHolders(db, page, now(), condition),
    holders: listHoldersWithoutFactor(db, page),
  };
}

interface Visited {
  ended: readonly EndedSession[];
  holders: readonly { row: number }[];
}

/** Records the sessions that have ended, and ends those of further holders after the response. */
export function endFurtherSessions(ctx: Context, role: string, first: Visited): void {
  cacheEndedSessions(ctx, first.ended);
  if (first.holders.length < PAGE_HOLDERS) return;
  afterResponse(ctx, async () => {
    try {
      await visitPages(ctx, role, first);
    } catch (error) {
      ctx.log("warn", "session.end_failed", { role, ...describeError(error) });
    }
  });
}

async function visitPages(ctx: Context, role: string, first: Visited): Promise<void> {
  let visited = first;
  for (let page = 1; page < MAX_PAGES && visited.holders.length === PAGE_HOLDERS; page += 1) {
    const after = visited.holders.at(-1)?.row ?? 0;
    visited = await ctx.d1.send(
      endSessionsWithoutFactor(ctx, { role, after }, whereFactorRequired(role)),
    );
    cacheEndedSessions(ctx, visited.ended);
  }
}
