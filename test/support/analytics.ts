import { send } from "./api.ts";
import { stopClock } from "./clock.ts";
import { createTestKey, sendWithKey } from "./credentials.ts";
import { createTestUser } from "./fixtures.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** A Monday, in the morning. */
const START = Date.UTC(2026, 5, 1, 8);

/** The date of a day, counted from the first one. */
export const dateOf = (day: number) => new Date(START + day * DAY).toISOString().slice(0, 10);

/** Stops the clock on the morning of the first day, which is a Monday. `to` sets it to an hour of a day. */
export function stopCalendar() {
  const clock = stopClock(START);
  return { ...clock, to: (day: number, hour = 8) => clock.at(day * DAY + (hour - 8) * HOUR) };
}

export interface Day {
  day: string;
  registrations: number;
  logins: number;
  failed_logins: number;
  active_users: number;
  deletions: number;
}

/** What happened on a day. What is left out did not happen. */
export const dayWith = (day: number, counts: Partial<Day> = {}): Day => ({
  day: dateOf(day),
  registrations: 0,
  logins: 0,
  failed_logins: 0,
  active_users: 0,
  deletions: 0,
  ...counts,
});

/** An API key that may read analytics. On the day on which it is created, its owner registers and logs in. */
export async function createAnalyst() {
  const owner = await createTestUser("admin");
  const key = await createTestKey(owner, ["analytics:read"]);
  const get = (path: string) => sendWithKey(key, `/v1/analytics/${path}`);
  return {
    owner,
    get,
    /** What happened from one day to another, which are counted from the first one. */
    daily: async (from: number, to: number): Promise<Day[]> =>
      (await get(`daily?from=${dateOf(from)}&to=${dateOf(to)}`)).body.data,
    summary: async () => (await get("summary")).body,
    active: async () => (await get("summary")).body.active_users,
    retention: async (query = "") => (await get(`retention${query}`)).body.data,
  };
}

/** Sends a login with a wrong password. */
export const failLogin = (username: string) =>
  send("/v1/auth/login", { body: { username, password: "wrong password" } });

/** Refreshes a session. Returns its next refresh token. */
export async function refresh(refreshToken: string): Promise<string> {
  const { body } = await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
  return body.refresh_token;
}
