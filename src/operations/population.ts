import type { Context } from "../context.ts";
import { findMeasurement, storeMeasurement } from "../db/measurements.ts";
import { countSessionsAfter, countUsersAfter } from "./repository.ts";

const NAME = "population";

/** How many rows are counted per round trip. D1 does one thing at a time, and other requests wait meanwhile. */
const ROWS_PER_TRIP = 10_000;

/** How many users and live sessions there were. */
export interface Population {
  users: { status: "active" | "inactive" | "deleted"; role: string; count: number }[];
  liveSessions: number;
}

/**
 * Counts users and live sessions, and stores the numbers for /metrics. Reads every row, some at a time, so that requests need not.
 */
export async function measurePopulation(ctx: Context): Promise<void> {
  const population = { users: await countUsers(ctx), liveSessions: await countLiveSessions(ctx) };
  await ctx.d1.send({ stored: storeMeasurement(ctx.db, NAME, population, ctx.now()) });
}

/** The statement that reads the latest measurement. */
export function findPopulation(db: Context["db"]) {
  return findMeasurement<Population>(db, NAME);
}

async function countUsers({ d1, db }: Context): Promise<Population["users"]> {
  const counts = new Map<string, Population["users"][number]>();
  let after: string | null = "";
  while (after !== null) {
    const { groups } = await d1.send({ groups: countUsersAfter(db, after, ROWS_PER_TRIP) });
    for (const { status, role, count } of groups) {
      const key = JSON.stringify([status, role]);
      counts.set(key, { status, role, count: count + (counts.get(key)?.count ?? 0) });
    }
    after = findLast(groups);
  }
  return [...counts.values()];
}

async function countLiveSessions({ d1, db, now }: Context): Promise<number> {
  let live = 0;
  let after: string | null = "";
  while (after !== null) {
    const { groups } = await d1.send({
      groups: countSessionsAfter(db, { after, now: now() }, ROWS_PER_TRIP),
    });
    for (const group of groups) if (group.isLive) live += group.count;
    after = findLast(groups);
  }
  return live;
}

// Null after the last rows.
function findLast(groups: readonly { count: number; last: string }[]): string | null {
  const rows = groups.reduce((sum, { count }) => sum + count, 0);
  const [last = ""] = groups
    .map((group) => group.last)
    .toSorted()
    .reverse();
  return rows < ROWS_PER_TRIP ? null : last;
}
