import { beforeEach, describe, expect, it } from "vitest";
import {
  createAnalyst,
  DAY,
  dateOf,
  dayWith,
  failLogin,
  refresh,
  stopCalendar,
} from "../support/analytics.ts";
import { send } from "../support/api.ts";
import { createLoginMailbox, emailLoginOf } from "../support/email-login.ts";
import {
  createTestUser,
  logIn,
  newAccount,
  newEmail,
  sqlAll,
  sqlRun,
} from "../support/fixtures.ts";
import { createMailbox, flowsOf, tokenIn } from "../support/mail.ts";
import { createProviderBox, logInWith, newPerson } from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";

let clock: ReturnType<typeof stopCalendar>;
let analyst: Awaited<ReturnType<typeof createAnalyst>>;

// The analyst registers and logs in the day before the first one.
beforeEach(async () => {
  for (const table of ["analytics_days", "analytics_cohorts"]) await sqlRun(`DELETE FROM ${table}`);
  await sqlRun(
    "UPDATE analytics_progress SET through = coalesce((SELECT max(id) FROM audit_events), '')",
  );
  clock = stopCalendar();
  clock.to(-1);
  analyst = await createAnalyst();
  clock.to(0);
});

const register = () => send("/v1/auth/register", { body: newAccount() });

async function erase(id: string): Promise<number> {
  const { token } = await logIn(analyst.owner.username);
  return (await send(`/v1/users/${id}/erase`, { method: "POST", token })).status;
}

describe("GET /v1/analytics/daily", () => {
  it("counts what happens on each day, up to midnight in UTC, and today at once", async () => {
    const user = await createTestUser();
    expect(await analyst.daily(0, 1)).toEqual([
      dayWith(0, { registrations: 1, logins: 1, active_users: 1 }),
      dayWith(1),
    ]);
    clock.at((16 * DAY) / 24 - 1);
    await failLogin(user.username);
    const refreshToken = await refresh(user.refreshToken);
    clock.at((16 * DAY) / 24);
    await failLogin(user.username);
    await failLogin(user.email);
    await refresh(refreshToken);
    await register();
    expect(await analyst.daily(-1, 1)).toEqual([
      dayWith(-1, { registrations: 1, logins: 1, active_users: 1 }),
      dayWith(0, { registrations: 1, logins: 1, failed_logins: 1, active_users: 1 }),
      dayWith(1, { registrations: 1, failed_logins: 2, active_users: 1 }),
    ]);
  });

  it("counts a person once per day, however often and from wherever they come at once", async () => {
    const user = await createTestUser();
    clock.to(1);
    const other = await createTestUser();
    await Promise.all([
      ...Array.from({ length: 5 }, () => logIn(user.username)),
      ...Array.from({ length: 5 }, () => refresh(user.refreshToken)),
    ]);
    await refresh(other.refreshToken);
    expect(await analyst.daily(1, 1)).toEqual([
      dayWith(1, { registrations: 1, logins: 6, active_users: 2 }),
    ]);
    const rows = await sqlAll("SELECT last_active_day FROM users WHERE id = ?", user.id);
    expect(rows).toEqual([{ last_active_day: Date.parse(dateOf(1)) / DAY }]);
  });

  it("counts no refresh that is refused, and no request with an access token", async () => {
    const { token, refreshToken } = await createTestUser();
    await send("/v1/auth/logout", { method: "POST", token });
    const { token: other } = await createTestUser();
    clock.to(0, 8.1);
    clock.to(1);
    await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
    await send("/v1/users/me", { token: other });
    expect(await analyst.daily(1, 1)).toEqual([dayWith(1)]);
  });

  it("counts no failed login with an unknown name", async () => {
    expect((await failLogin("nobody-at-all")).status).toBe(401);
    expect(await analyst.daily(0, 0)).toEqual([dayWith(0)]);
  });

  it("counts deletions, of which restoring and erasing change nothing", async () => {
    const user = await createTestUser();
    clock.to(1);
    const { token } = await logIn(user.username);
    await send("/v1/users/me", { method: "DELETE", token });
    const deleted = dayWith(1, { logins: 1, active_users: 1, deletions: 1 });
    expect(await analyst.daily(1, 1)).toEqual([deleted]);
    clock.to(2);
    const admin = await logIn(analyst.owner.username);
    await send(`/v1/users/${user.id}/restore`, { method: "POST", token: admin.token });
    await send(`/v1/users/${user.id}`, { method: "DELETE", token: admin.token });
    expect(await erase(user.id)).toBe(204);
    expect(await analyst.daily(0, 2)).toEqual([
      dayWith(0, { registrations: 1, logins: 1, active_users: 1 }),
      deleted,
      dayWith(2, { logins: 2, active_users: 1, deletions: 1 }),
    ]);
  });

  it("counts an erasure of an account that was not deleted as a deletion, and keeps the numbers of the person's days", async () => {
    const user = await createTestUser();
    clock.to(1);
    await refresh(user.refreshToken);
    clock.to(2);
    expect(await erase(user.id)).toBe(204);
    expect(await analyst.daily(0, 2)).toEqual([
      dayWith(0, { registrations: 1, logins: 1, active_users: 1 }),
      dayWith(1, { active_users: 1 }),
      dayWith(2, { logins: 1, active_users: 1, deletions: 1 }),
    ]);
  });

  it("has the last 30 days by default, and the 30 days up to `to`", async () => {
    const { data } = (await analyst.get("daily")).body;
    expect(data.map(({ day }: { day: string }) => day)).toEqual(
      Array.from({ length: 30 }, (_, index) => dateOf(index - 29)),
    );
    const earlier = (await analyst.get(`daily?to=${dateOf(-100)}`)).body.data;
    expect([earlier.length, earlier[0].day]).toEqual([30, dateOf(-129)]);
    expect((await analyst.get(`daily?from=${dateOf(-2)}`)).body.data).toHaveLength(3);
  });
});

describe("a registration", () => {
  it("is counted when someone registers with a login provider", async () => {
    const fake = await fakeProviders();
    await logInWith(createProviderBox(), fake, { claims: newPerson() });
    expect(await analyst.daily(0, 0)).toEqual([
      dayWith(0, { registrations: 1, logins: 1, active_users: 1 }),
    ]);
  });

  it("is counted when an invitation is accepted, once, and not when it is sent", async () => {
    const box = createMailbox();
    const { token } = await logIn(analyst.owner.username);
    const { password: _, ...account } = newAccount();
    await send("/v1/users", { token, body: account, bindings: box.bindings });
    expect((await analyst.daily(0, 0))[0]?.registrations).toBe(0);
    clock.to(1);
    const flows = flowsOf(box);
    const invitation = box.tokenTo(account.email);
    await Promise.all([1, 2].map((n) => flows.reset(invitation, `SecurePass12${n}!`)));
    expect(await analyst.daily(1, 1)).toEqual([dayWith(1, { registrations: 1 })]);
    clock.to(2);
    await flows.forgot(account.email);
    expect((await flows.reset(box.tokenTo(account.email), "AnotherPass123!")).status).toBe(204);
    expect(await analyst.daily(2, 2)).toEqual([dayWith(2)]);
  });

  it("is counted when someone who was invited logs in by email", async () => {
    const box = createLoginMailbox();
    const { token } = await logIn(analyst.owner.username);
    const { password: _, ...account } = newAccount();
    await send("/v1/users", { token, body: account, bindings: box.bindings });
    clock.to(1);
    const flows = emailLoginOf(box);
    await flows.request(account.email);
    expect((await flows.byLink(tokenIn(box.to(account.email).at(-1)))).status).toBe(200);
    expect(await analyst.daily(1, 1)).toEqual([
      dayWith(1, { registrations: 1, logins: 1, active_users: 1 }),
    ]);
  });

  it("is not counted for users whom an administrator creates with a password or imports", async () => {
    const { token } = await logIn(analyst.owner.username);
    const created = await send("/v1/users", { token, body: newAccount() });
    const box = createMailbox();
    const email = newEmail();
    const imported = await send("/v1/users/import", { token, body: { data: [{ email }] } });
    expect([created.status, imported.body.created]).toEqual([201, 1]);
    const flows = flowsOf(box);
    await flows.forgot(email);
    expect((await flows.reset(box.tokenTo(email), "AnotherPass123!")).status).toBe(204);
    expect(await analyst.daily(0, 0)).toEqual([dayWith(0, { logins: 1, active_users: 1 })]);
  });
});
