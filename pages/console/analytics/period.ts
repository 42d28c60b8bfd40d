const DAY_MS = 86_400_000;

/** The periods that are offered, in days. Today is the last one. */
export const PERIODS = [30, 90, 365] as const;

/** Days `YYYY-MM-DD` in UTC, both included. */
export interface Period {
  from: string;
  to: string;
}

/** The period in the query of the page's address, and what was chosen: a number of days, or `custom`. By default, 30 days. */
export function readPeriod(query: Readonly<Record<string, string>>): Period & { choice: string } {
  if (query.from && query.to) return { from: query.from, to: query.to, choice: "custom" };
  const days = PERIODS.find((length) => String(length) === query.days) ?? PERIODS[0];
  const today = Date.now();
  return { from: toDay(today - (days - 1) * DAY_MS), to: toDay(today), choice: String(days) };
}

function toDay(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** Formats days, in UTC. */
export function dayFormat(language: string, hasYear = false): (day: string) => string {
  const format = new Intl.DateTimeFormat(language, {
    month: "short",
    day: "numeric",
    ...(hasYear && { year: "numeric" }),
    timeZone: "UTC",
  });
  return (day) => format.format(new Date(day));
}
