// Durations in milliseconds.
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The date of the latest call, because times in one response are often of one day. */
let latest = { day: Number.NaN, date: "" };

/** RFC 3339 in UTC with milliseconds. Formats the time of day itself: `toISOString` is a tenth of the CPU time of a list. */
export function toTimestamp(ms: number): string {
  const day = Math.floor(ms / DAY);
  if (day !== latest.day) latest = { day, date: new Date(ms).toISOString().slice(0, -13) };
  const time = ms - day * DAY;
  const hours = twoDigits(Math.floor(time / HOUR));
  const minutes = twoDigits(Math.floor(time / MINUTE) % 60);
  const seconds = twoDigits(Math.floor(time / SECOND) % 60);
  return `${latest.date}${hours}:${minutes}:${seconds}.${String(time % SECOND).padStart(3, "0")}Z`;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** As `toTimestamp`, but null stays null. */
export function toTimestampOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimestamp(ms);
}
