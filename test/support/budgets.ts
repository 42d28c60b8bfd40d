import { expect } from "vitest";
import { type Answer, costOf } from "./api.ts";
import { sqlRun, type TestUser } from "./fixtures.ts";
import { createIsolate } from "./isolates.ts";

/** The maximum cost of an operation: D1 round trips, rows read and written, and KV reads and writes combined. */
interface Budget {
  trips: number;
  rowsRead: number;
  rowsWritten: number;
  kv: number;
}

/** The cost of reading one resource. */
export const READ: Budget = { trips: 1, rowsRead: 8, rowsWritten: 0, kv: 0 };

/** Fails if a response is no success, or cost more than the budget. Round trips must be exact. */
export function expectWithin(answer: Answer<unknown>, budget: Budget): void {
  expect(answer.status, answer.text).toBeLessThan(300);
  const { queries, rowsRead, rowsWritten, kvReads, kvWrites } = costOf(answer);
  const isWithin = {
    trips: queries === budget.trips || `${queries} trips`,
    rowsRead: rowsRead <= budget.rowsRead || `${rowsRead} rows read`,
    rowsWritten: rowsWritten <= budget.rowsWritten || `${rowsWritten} rows written`,
    kv: kvReads + kvWrites <= budget.kv || `${kvReads} KV reads, ${kvWrites} KV writes`,
  };
  expect(isWithin).toEqual({ trips: true, rowsRead: true, rowsWritten: true, kv: true });
}

/** An isolate with production rate limits, which no test reaches: the cost of sharing counts is part of the budget. */
export const PRODUCTION_LIMITS = {
  RATE_LIMIT_AUTH: "50/60",
  RATE_LIMIT_REFRESH: "30/60",
  RATE_LIMIT_READ: "1000/3600",
  RATE_LIMIT_WRITE: "100/3600",
};
export const withProductionLimits = () => createIsolate(PRODUCTION_LIMITS);

/** Inserts ended and live sessions for a user. */
export async function insertSessions({ id }: TestUser, ended: number, live: number): Promise<void> {
  const now = Date.now();
  const insert = `INSERT INTO sessions (id, user_id, created_at, last_used_at, rotated_at, expires_at, ends_at, user_agent)
    SELECT printf('%s-%012d', ?1, value), ?2, ?3, ?3 + value, ?3, ?4, ?4, 'agent ' || value
    FROM json_each(?5)`;
  const numbers = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i));
  const old = now - 40 * 86_400_000;
  const oldId = `${old
    .toString(16)
    .padStart(12, "0")
    .replace(/^(.{8})/, "$1-")}-7000-8000`;
  const newId = `${(now - 1000)
    .toString(16)
    .padStart(12, "0")
    .replace(/^(.{8})/, "$1-")}-7000-8000`;
  await sqlRun(insert, oldId, id, old, old + 1, numbers(ended));
  await sqlRun(insert, newId, id, now - 1000, now + 86_400_000, numbers(live));
}
