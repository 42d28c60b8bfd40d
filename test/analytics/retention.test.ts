import { beforeEach, expect, it } from "vitest";
import { createAnalyst, dateOf, refresh, stopCalendar } from "../support/analytics.ts";
import { createTestUser, logIn, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { runHourly } from "../support/seals.ts";

let clock: ReturnType<typeof stopCalendar>;
let analyst: Awaited<ReturnType<typeof createAnalyst>>;

beforeEach(async () => {
  clock = stopCalendar();
  clock.to(-100);
  analyst = await createAnalyst();
  clock.to(0);
  for (const table of ["analytics_days", "analytics_cohorts"]) await sqlRun(`DELETE FROM ${table}`);
  await sqlRun("UPDATE analytics_progress SET through = (SELECT max(id) FROM audit_events)");
});

const unrolled = () => sqlAll("SELECT day FROM analytics_days WHERE cohorts IS NOT NULL");

async function visit(users: readonly TestUser[]): Promise<void> {
  for (const { username } of users) await logIn(username);
}

/** Two cohorts, of three people and of one, over four weeks. */
async function live(afterDay: () => Promise<void>): Promise<void> {
  const [ada, bob, cyn] = [await createTestUser(), await createTestUser(), await createTestUser()];
  clock.to(6, 23);
  await visit([ada]);
  await afterDay();
  clock.to(7, 0);
  await visit([ada, bob]);
  const token = await refresh(cyn.refreshToken);
  await afterDay();
  clock.to(9);
  const dot = await createTestUser();
  await visit([ada]);
  await afterDay();
  clock.to(13);
  await refresh(token);
  await afterDay();
  clock.to(21);
  await visit([dot, bob]);
  await afterDay();
}

const COHORTS = [
  { week: dateOf(0), size: 3, returned: [1, 1, 0, 0.3333] },
  { week: dateOf(7), size: 1, returned: [1, 0, 1] },
];

it("shows which share of each week's registrations was active in each week up to the current", async () => {
  await live(async () => undefined);
  expect(await analyst.retention()).toEqual(COHORTS);
  clock.to(28);
  expect((await analyst.retention())[1]).toEqual({ ...COHORTS[1], returned: [1, 0, 1, 0] });
});

it("shows the same once days are rolled up, each once, also by concurrent runs", async () => {
  await live(async () => {
    await Promise.all([runHourly(), runHourly()]);
  });
  expect(await unrolled()).toHaveLength(1);
  expect(await analyst.retention()).toEqual(COHORTS);
  clock.to(22, 0.9);
  await runHourly();
  expect(await unrolled()).toHaveLength(1);
  clock.to(22, 1);
  await runHourly();
  expect(await unrolled()).toEqual([]);
  expect(await analyst.retention()).toEqual(COHORTS);
});

it("catches up after nights without a run", async () => {
  await live(async () => undefined);
  expect((await unrolled()).length).toBeGreaterThan(1);
  clock.to(23);
  await runHourly();
  expect(await unrolled()).toEqual([]);
  expect(await analyst.retention()).toEqual(COHORTS);
});

it("selects the weeks that contain the days, and by default the last twelve", async () => {
  await live(async () => undefined);
  const of = (from: number, to: number) =>
    analyst.retention(`?from=${dateOf(from)}&to=${dateOf(to)}`);
  expect(await of(6, 6)).toEqual([COHORTS[0]]);
  expect(await of(7, 30)).toEqual([COHORTS[1]]);
  expect(await of(14, 20)).toEqual([]);
  clock.to(6 + 11 * 7);
  expect(await analyst.retention()).toHaveLength(2);
  clock.to(7 + 11 * 7);
  expect(await analyst.retention()).toHaveLength(1);
  expect(await analyst.retention(`?from=${dateOf(6)}`)).toHaveLength(2);
});

it("keeps the numbers of people who are erased", async () => {
  await live(async () => undefined);
  await sqlRun("DELETE FROM users WHERE id <> ?", analyst.owner.id);
  expect(await analyst.retention()).toEqual(COHORTS);
});
