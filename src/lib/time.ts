// Durations in milliseconds.
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const YEAR_10000 = Date.UTC(10_000, 0);

/** When a credential or token must be valid: it has not expired by `now`, and began at `revokedBefore` or later. */
export interface Moment {
  now: number;
  revokedBefore: number;
}

/** What lives for `lifeMs` is void if it expires at this time or earlier: it has expired, or began before the revocation epoch. */
export function expiredUntil({ now, revokedBefore }: Moment, lifeMs: number): number {
  return Math.max(now, revokedBefore + lifeMs - 1);
}

/** RFC 3339 in UTC with milliseconds. */
export function toTimestamp(ms: number): string {
  const at = new Date(ms);
  if (!isUsual(ms)) return at.toISOString();
  // `toISOString` takes three times as long, and lists have hundreds of times.
  const date = `${at.getUTCFullYear()}-${pad(at.getUTCMonth() + 1)}-${pad(at.getUTCDate())}`;
  const time = `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())}`;
  const rest = at.getUTCMilliseconds();
  return `${date}T${time}.${rest < 100 ? "0" : ""}${pad(rest)}Z`;
}

// Years have four digits.
function isUsual(ms: number): boolean {
  return ms >= 0 && ms < YEAR_10000;
}

function pad(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}

/** As `toTimestamp`, but null stays null. */
export function toTimestampOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}

/** The number of a day in UTC since 1970, of which 0 is 1970-01-01. */
export function toDay(ms: number): number {
  return Math.floor(ms / DAY);
}

/** The first day of the week (ISO 8601: its Monday) that a day is in. Day 0 was a Thursday. */
export function mondayOf(day: number): number {
  return day - ((day + 3) % 7);
}

/** A day as a full-date of RFC 3339. */
export function toDate(day: number): string {
  return toTimestamp(day * DAY).slice(0, 10);
}
