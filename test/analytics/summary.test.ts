import { beforeEach, expect, it } from "vitest";
import { createAnalyst, refresh, stopCalendar } from "../support/analytics.ts";
import { send } from "../support/api.ts";
import { createTestUser, logIn, sqlRun } from "../support/fixtures.ts";

let clock: ReturnType<typeof stopCalendar>;
let analyst: Awaited<ReturnType<typeof createAnalyst>>;

beforeEach(async () => {
  await sqlRun("DELETE FROM users");
  await sqlRun("DELETE FROM analytics_days");
  clock = stopCalendar();
  clock.to(-60);
  analyst = await createAnalyst();
  clock.to(0);
});

it("counts users who are not deleted, and their states", async () => {
  const [user, other] = [await createTestUser(), await createTestUser("moderator")];
  const { token } = await logIn(analyst.owner.username);
  expect((await analyst.summary()).users).toEqual({
    total: 3,
    active: 3,
    verified: 0,
    with_mfa: 0,
  });
  await sqlRun("UPDATE users SET email_verified = 1 WHERE id IN (?, ?)", user.id, other.id);
  await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", other.id);
  await send(`/v1/users/${user.id}`, { method: "PATCH", body: { is_active: false }, token });
  expect((await analyst.summary()).users).toEqual({
    total: 3,
    active: 2,
    verified: 2,
    with_mfa: 1,
  });
  await send(`/v1/users/${other.id}`, { method: "DELETE", token });
  expect((await analyst.summary()).users).toEqual({
    total: 2,
    active: 1,
    verified: 1,
    with_mfa: 0,
  });
});

it("counts sessions that have neither ended nor expired", async () => {
  const live = async () => (await analyst.summary()).sessions.live;
  const { username, token } = await createTestUser();
  await logIn(username);
  expect(await live()).toBe(2);
  await send("/v1/auth/logout", { method: "POST", token });
  expect(await live()).toBe(1);
  clock.to(7, 8);
  clock.pass(-1);
  expect(await live()).toBe(1);
  clock.pass(60_000);
  expect(await live()).toBe(0);
});

it("counts people who were active today, on the last 7 days and on the last 30", async () => {
  let user = await createTestUser();
  const other = await createTestUser();
  expect(await analyst.active()).toEqual({ day: 2, week: 2, month: 2 });
  clock.to(1);
  user = { ...user, refreshToken: await refresh(user.refreshToken) };
  expect(await analyst.active()).toEqual({ day: 1, week: 2, month: 2 });
  clock.to(6, 23);
  expect(await analyst.active()).toEqual({ day: 0, week: 2, month: 2 });
  clock.to(7, 0);
  expect(await analyst.active()).toEqual({ day: 0, week: 1, month: 2 });
  clock.to(8, 0);
  expect(await analyst.active()).toEqual({ day: 0, week: 0, month: 2 });
  await logIn(other.username);
  expect(await analyst.active()).toEqual({ day: 1, week: 1, month: 2 });
  clock.to(30);
  expect(await analyst.active()).toEqual({ day: 0, week: 0, month: 2 });
  clock.to(31);
  expect(await analyst.active()).toEqual({ day: 0, week: 0, month: 1 });
  await logIn(user.username);
  await logIn(other.username);
  expect(await analyst.active()).toEqual({ day: 2, week: 2, month: 2 });
  clock.to(61);
  expect(await analyst.active()).toEqual({ day: 0, week: 0, month: 0 });
});
