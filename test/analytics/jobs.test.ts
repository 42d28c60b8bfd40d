import { beforeEach, describe, expect, it } from "vitest";
import { createAnalyst } from "../support/analytics.ts";
import { stopClock } from "../support/clock.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser, logIn, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { clearTrail, DAY, FIRST, HOUR, idOf, readStored, runHourly } from "../support/seals.ts";
import { insertEvents } from "../support/trail.ts";

const COUNT = /insert into "analytics_days"/;

let clock: ReturnType<typeof stopClock>;
let analyst: Awaited<ReturnType<typeof createAnalyst>>;

beforeEach(async () => {
  clock = stopClock(FIRST + 10 * DAY);
  await clearTrail();
  await sqlRun("DELETE FROM analytics_days");
  await sqlRun("DELETE FROM analytics_progress WHERE name <> 'audit_events'");
  await sqlRun("UPDATE analytics_progress SET through = ''");
  analyst = await createAnalyst();
});

/** Adds successful logins to a day of the trail. */
const addLogins = (day: number, count: number) =>
  insertEvents(
    Array.from({ length: count }, (_, index) => ({
      id: idOf(day, index),
      action: "auth.login_succeeded",
      actor_id: "somebody",
      target_id: "somebody",
      origin_of: null,
      created_at: FIRST + day * DAY + index,
    })),
  );

/** The logins of days of October. */
async function logins(from: number, to: number): Promise<number[]> {
  const date = (day: number) => new Date(FIRST + day * DAY).toISOString().slice(0, 10);
  const { body } = await analyst.get(`daily?from=${date(from)}&to=${date(to)}`);
  return body.data.map((day: { logins: number }) => day.logins);
}

const countedThrough = async () =>
  (await sqlAll("SELECT through FROM analytics_progress WHERE name = 'audit_events'"))[0]?.through;

describe("count_audit_events", () => {
  it("adds events to their days, each once, also by concurrent runs", async () => {
    await addLogins(0, 3);
    await addLogins(1, 6000);
    expect(await logins(0, 2)).toEqual([3, 6000, 0]);
    await Promise.all([runHourly(), runHourly()]);
    expect(await countedThrough()).toBe(idOf(1, 5999));
    await runHourly();
    expect(await logins(0, 2)).toEqual([3, 6000, 0]);
    await addLogins(2, 1);
    expect(await logins(0, 2)).toEqual([3, 6000, 1]);
    await runHourly();
    expect(await logins(0, 2)).toEqual([3, 6000, 1]);
  });

  it("leaves events that are younger than ten minutes", async () => {
    await addLogins(2, 1);
    clock.at(-8 * DAY + 10 * 60_000);
    await runHourly();
    expect(await countedThrough()).toBe("");
    clock.pass(1);
    await runHourly();
    expect(await countedThrough()).toBe(idOf(2, 0));
  });

  it("waits for an hour after a restore, which puts back events that were lost", async () => {
    await addLogins(2, 1);
    const restored = new Date(clock.start - HOUR + 1).toISOString();
    await runHourly(createIsolate({ REVOKED_BEFORE: restored }));
    expect(await countedThrough()).toBe("");
    clock.pass(1);
    await runHourly(createIsolate({ REVOKED_BEFORE: restored }));
    expect(await countedThrough()).toBe(idOf(2, 0));
  });

  it("counts events before they are trimmed, and trimming changes no number", async () => {
    await addLogins(0, 5);
    const settings = { AUDIT_RETENTION_DAYS: "3", ARCHIVE: undefined };
    const failing = faultyBindings({ d1: at(COUNT) });
    await runHourly({ ...createIsolate(settings), DB: failing.DB });
    const events = () => readStored(idOf(0, 0), idOf(1, 0));
    expect(await events()).toHaveLength(5);
    expect(await logins(0, 0)).toEqual([5]);
    await runHourly(createIsolate(settings));
    expect(await events()).toEqual([]);
    expect(await logins(0, 0)).toEqual([5]);
  });
});

describe("forget_activity", () => {
  const lastDayOf = async (id: string) =>
    (await sqlAll("SELECT last_active_day FROM users WHERE id = ?", id))[0]?.last_active_day;

  it("removes when people were last active after 90 days, and no count", async () => {
    const user = await createTestUser();
    const other = await createTestUser();
    await sqlRun("UPDATE users SET seq = 25000 WHERE id = ?", user.id);
    const today = clock.start / DAY;
    clock.pass(DAY);
    await logIn(other.username);
    clock.at(90 * DAY);
    await runHourly();
    expect(await lastDayOf(user.id)).toBe(today);
    clock.at(91 * DAY);
    await runHourly();
    expect(await lastDayOf(user.id)).toBeNull();
    expect(await lastDayOf(other.id)).toBe(today + 1);
    await logIn(user.username);
    const rows = await sqlAll(
      "SELECT active_users, gaps FROM analytics_days WHERE day = ?",
      today + 91,
    );
    expect(rows).toEqual([{ active_users: 1, gaps: '{"30":1}' }]);
    const [first] = await sqlAll("SELECT active_users FROM analytics_days WHERE day = ?", today);
    expect(first).toEqual({ active_users: 3 });
  });

  it("walks the users once per day", async () => {
    const user = await createTestUser();
    await runHourly();
    await sqlRun("UPDATE users SET last_active_day = 1 WHERE id = ?", user.id);
    await runHourly();
    expect(await lastDayOf(user.id)).toBe(1);
    clock.pass(DAY);
    await runHourly();
    expect(await lastDayOf(user.id)).toBeNull();
  });
});
