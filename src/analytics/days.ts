import type { Context } from "../context.ts";
import { type DayRange, listDays, listUncounted } from "./repository.ts";

/** How many events that are not counted yet a request reads at most. Scheduled jobs count them once per hour. */
const MAX_UNCOUNTED = 100_000;

/** What happened on a day, in numbers. */
export interface DayCounts {
  day: number;
  registrations: number;
  logins: number;
  failedLogins: number;
  deletions: number;
  activeUsers: number;
}

/** The statements that read what happened on days. */
export function findDays({ db }: Pick<Context, "db">, range: DayRange) {
  return { days: listDays(db, range), uncounted: listUncounted(db, MAX_UNCOUNTED) };
}

/** What happened on each day of a range, in order. */
export function sumDays(
  { from, to }: DayRange,
  found: {
    days: readonly DayCounts[];
    uncounted: readonly Omit<DayCounts, "activeUsers">[];
  },
): DayCounts[] {
  const stored = new Map(found.days.map((row) => [row.day, row]));
  const added = new Map(found.uncounted.map((row) => [row.day, row]));
  return Array.from({ length: to - from + 1 }, (_, index) => {
    const day = from + index;
    const [row, more] = [stored.get(day), added.get(day)];
    return {
      day,
      registrations: (row?.registrations ?? 0) + (more?.registrations ?? 0),
      logins: (row?.logins ?? 0) + (more?.logins ?? 0),
      failedLogins: (row?.failedLogins ?? 0) + (more?.failedLogins ?? 0),
      deletions: (row?.deletions ?? 0) + (more?.deletions ?? 0),
      activeUsers: row?.activeUsers ?? 0,
    };
  });
}
