import { requireNoFaults } from "../errors.ts";
import { DAY, toDay } from "../lib/time.ts";
import type { DayRange } from "./repository.ts";

/** The maximum length of a range. */
export const MAX_DAYS = 366;

/** The days `from` and `to` of a request, as `YYYY-MM-DD`. */
export interface RangeQuery {
  from?: string | undefined;
  to?: string | undefined;
}

/**
 * The days that a request selects. `to` is today by default. `toDefaultFrom` returns the first day by default.
 * Throws `validation_failed` if the range ends before it begins, or is longer than 366 days.
 */
export function parseRange(
  query: RangeQuery,
  now: number,
  toDefaultFrom: (to: number) => number,
): DayRange {
  const to = query.to === undefined ? toDay(now) : parseDay(query.to);
  const from = query.from === undefined ? toDefaultFrom(to) : parseDay(query.from);
  const message = findFault({ from, to });
  const path = query.from === undefined ? "to" : "from";
  requireNoFaults(message === undefined ? [] : [{ path, code: "invalid_range", message }]);
  return { from, to };
}

function parseDay(date: string): number {
  return Date.parse(date) / DAY;
}

function findFault({ from, to }: DayRange): string | undefined {
  if (from > to) return "Must not be after `to`, which is today by default.";
  return to - from < MAX_DAYS ? undefined : `Must select at most ${MAX_DAYS} days.`;
}
