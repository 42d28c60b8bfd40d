import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { expectWithin, insertSessions, withProductionLimits } from "../support/budgets.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import {
  createTestUser,
  newAccount,
  newRole,
  PASSWORD,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";

/** Sends a request of someone who registered and was last active some weeks ago. */
async function onFirstActivity(userId: string, path: string, body: unknown) {
  await sqlRun(
    "UPDATE users SET last_active_day = last_active_day - 20, registered_day = registered_day - 20 WHERE id = ?",
    userId,
  );
  return send(path, { body, bindings: withProductionLimits() });
}

describe("sessions and accounts", () => {
  it("POST /v1/auth/refresh", async () => {
    const { refreshToken } = await createTestUser();
    const body = { refresh_token: refreshToken };
    const answer = await send("/v1/auth/refresh", { body, bindings: withProductionLimits() });
    expectWithin(answer, { trips: 1, rowsRead: 8, rowsWritten: 3, kv: 1 });
  });

  it("POST /v1/auth/refresh, if KV has a current record of the session", async () => {
    const { id, refreshToken } = await createTestUser(await newRole());
    await sqlRun("UPDATE users SET updated_at = 0 WHERE id = ?", id);
    const body = { refresh_token: refreshToken };
    const answer = await send("/v1/auth/refresh", { body, bindings: withProductionLimits() });
    expectWithin(answer, { trips: 1, rowsRead: 8, rowsWritten: 3, kv: 0 });
  });

  it("POST /v1/auth/refresh, of someone's first activity on a day", async () => {
    const { id, refreshToken } = await createTestUser();
    const answer = await onFirstActivity(id, "/v1/auth/refresh", { refresh_token: refreshToken });
    expectWithin(answer, { trips: 1, rowsRead: 8, rowsWritten: 3, kv: 1 });
  });

  it("POST /v1/auth/login, of someone's first activity on a day", async () => {
    const { id, username } = await createTestUser();
    await insertSessions({ id } as TestUser, 2000, 45);
    const body = { username, password: PASSWORD };
    const answer = await onFirstActivity(id, "/v1/auth/login", body);
    expectWithin(answer, { trips: 2, rowsRead: 24, rowsWritten: 10, kv: 1 });
  });

  it.each([
    [0, 0],
    [2000, 45],
  ])("POST /v1/auth/login with %i ended and %i live sessions", async (ended, live) => {
    const user = await createTestUser();
    await insertSessions(user, ended, live);
    const body = { username: user.username, password: PASSWORD };
    const answer = await send("/v1/auth/login", { body, bindings: withProductionLimits() });
    expectWithin(answer, { trips: 2, rowsRead: 24, rowsWritten: 10, kv: 1 });
  });

  it("POST /v1/auth/login from a new device, which queues a notice", async () => {
    const user = await createTestUser();
    await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", user.id);
    const answer = await send("/v1/auth/login", {
      body: { username: user.username, password: PASSWORD },
      headers: { "User-Agent": "another device" },
      bindings: withProductionLimits(),
    });
    // Before the session: 5, the session with the user and whether their role needs a factor: 4, the notice: 6, the rest: 14.
    expectWithin(answer, { trips: 2, rowsRead: 29, rowsWritten: 13, kv: 1 });
    const body = { locale: "de-CH" };
    await send("/v1/users/me/profile", { method: "PATCH", body, token: user.token });
    await sqlRun("DELETE FROM mail_outbox");
    const withProfile = await send("/v1/auth/login", {
      body: { username: user.username, password: PASSWORD },
      headers: { "User-Agent": "a third device" },
      bindings: withProductionLimits(),
    });
    // The language of the notice is in the profile: 1 more.
    expectWithin(withProfile, { trips: 2, rowsRead: 30, rowsWritten: 13, kv: 1 });
  });

  it("POST /v1/auth/password/forgot for a user with 3,600 earlier emails", async () => {
    const { id, email } = await createTestUser();
    const start = Date.now() - 30 * 86_400_000;
    await sqlRun(
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3599)
       INSERT INTO mail_outbox (id, user_id, kind, address, priority, created_at, next_attempt_at, sent_at)
       SELECT printf('%s-%s-7000-8000-%012d', substr(hex, 1, 8), substr(hex, 9, 4), i), ?1, 'reset_password', ?2, 0, at, ?3, at
       FROM (SELECT i, at, printf('%012x', at) AS hex FROM (SELECT i, ?3 + i * 600000 AS at FROM n))`,
      id,
      email,
      start,
    );
    const answer = await send("/v1/auth/password/forgot", {
      body: { email },
      bindings: withProductionLimits(),
    });
    expect(answer.status).toBe(202);
    expectWithin(answer, { trips: 2, rowsRead: 200, rowsWritten: 8, kv: 0 });
  });

  it("POST /v1/auth/register", async () => {
    const answer = await send("/v1/auth/register", {
      body: newAccount(),
      bindings: withProductionLimits(),
    });
    // 13 are of the account: its row, index entries for its id, username, email, role and place, six for lists, and one for search.
    expectWithin(answer, { trips: 1, rowsRead: 11, rowsWritten: 18, kv: 0 });
  });

  it("POST /v1/auth/logout, in an isolate that has seen the user within the last minute", async () => {
    const { token } = await createTestUser();
    const bindings = withProductionLimits();
    await send("/v1/users/me", { token, bindings });
    const answer = await send("/v1/auth/logout", { method: "POST", token, bindings });
    expectWithin(answer, { trips: 1, rowsRead: 10, rowsWritten: 5, kv: 1 });
  });

  it("POST /v1/auth/logout, in another isolate", async () => {
    const { token } = await createTestUser();
    const answer = await send("/v1/auth/logout", {
      method: "POST",
      token,
      bindings: withProductionLimits(),
    });
    expectWithin(answer, { trips: 2, rowsRead: 14, rowsWritten: 5, kv: 1 });
  });

  it("POST /v1/auth/introspect", async () => {
    const { token } = await createTestUser();
    const key = await createTestKey(await createTestUser("admin"), ["tokens:introspect"]);
    const bindings = withProductionLimits();
    const ask = () => sendWithKey(key, "/v1/auth/introspect", { body: { token }, bindings });
    await ask();
    expectWithin(await ask(), { trips: 0, rowsRead: 0, rowsWritten: 0, kv: 1 });
  });
});
