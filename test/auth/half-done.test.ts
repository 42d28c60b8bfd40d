import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { at, faultyBindings } from "../support/faults.ts";
import {
  ALL_REFUSED,
  allAuditOf,
  createTestUser,
  logIn,
  newAccount,
  PASSWORD,
  sqlAll,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const NEW = "another pass phrase";
const OVERLOADED = "D1 DB is overloaded. Requests queued for too long.";

// The D1 round trips of these operations, identified by their first statement.
const CALLER_READ = /^select .* from "sessions" inner join "users"/;
const ATTEMPT_COUNTED = /^insert into "login_attempts"/;
const FAILURE_RECORDED = /^insert into "audit_events"/;
const SESSION_BEGUN = /^insert into "sessions"/;
const TOKEN_ROTATED = /^update "sessions" set "generation"/m;
const SESSION_REVOKED = /^update "sessions" set "revoked_at"/;
const PASSWORD_UPDATED = /^update "users" set "password_hash"/;

const failingAt = (statement: RegExp) =>
  faultyBindings({ d1: at(statement), d1Message: OVERLOADED });
const losingResponse = (statement: RegExp) => faultyBindings({ d1AnswerLost: at(statement) });

const tryLogIn = (username: string, bindings?: Cloudflare.Env, password = PASSWORD) =>
  send("/v1/auth/login", { body: { username, password }, ...(bindings && { bindings }) });

const refresh = (refresh_token: string, bindings?: Cloudflare.Env) =>
  send("/v1/auth/refresh", { body: { refresh_token }, ...(bindings && { bindings }) });

const change = (token: string, bindings?: Cloudflare.Env) =>
  send("/v1/auth/password/change", {
    token,
    body: { current_password: PASSWORD, new_password: NEW },
    ...(bindings && { bindings }),
  });

async function register() {
  const { username, ...account } = newAccount();
  const { body } = await send("/v1/auth/register", { body: { username, ...account } });
  return { username, id: body.id as string };
}

/** Everything D1 holds about a user's logins, sessions and password. */
async function stateOf(userId: string) {
  const [user] = await sqlAll<{ password_version: number; last_login_at: number | null }>(
    "SELECT password_version, last_login_at FROM users WHERE id = ?",
    userId,
  );
  const sessions = await sqlAll<{ generation: number; revoked_at: number | null }>(
    "SELECT generation, revoked_at FROM sessions WHERE user_id = ? ORDER BY id",
    userId,
  );
  const actions = (await allAuditOf(userId)).map(({ action }) => action);
  return {
    passwordVersion: user?.password_version,
    hasLoggedIn: user?.last_login_at !== null,
    generations: sessions.map(({ generation }) => generation),
    ended: sessions.map(({ revoked_at }) => revoked_at !== null),
    actions,
  };
}

/** Makes the audit event of an action, which is in the middle of its batch, fail while `work` runs. */
async function withFailingAudit<T>(action: string, work: () => Promise<T>): Promise<T> {
  await sqlRun(`CREATE TRIGGER fail_audit BEFORE INSERT ON audit_events WHEN new.action = '${action}'
    BEGIN SELECT RAISE(ABORT, 'no'); END`);
  try {
    return await work();
  } finally {
    await sqlRun("DROP TRIGGER fail_audit");
  }
}

async function countedAttempts(id: string): Promise<number[]> {
  const rows = await sqlAll<{ times: number }>(
    "SELECT json_array_length(attempts -> '$.\"*\"') AS times FROM login_attempts WHERE key = ?",
    `user:${id}`,
  );
  return rows.map(({ times }) => times);
}

describe("a login", () => {
  const NOT_LOGGED_IN = {
    passwordVersion: 1,
    hasLoggedIn: false,
    generations: [],
    ended: [],
    actions: ["user.created"],
  };
  const LOGGED_IN = {
    ...NOT_LOGGED_IN,
    hasLoggedIn: true,
    generations: [1],
    ended: [false],
    actions: ["user.created", "auth.login_succeeded"],
  };

  it.each([
    ["the attempt is counted", ATTEMPT_COUNTED],
    ["the session begins", SESSION_BEGUN],
  ])(
    "leaves nothing behind if D1 fails when %s, and succeeds when retried",
    async (_, statement) => {
      const { id, username } = await register();
      const failed = await tryLogIn(username, failingAt(statement));
      expectProblem(failed, 503, "service_unavailable");
      expect(failed.headers.get("Retry-After")).toMatch(/^\d+$/);
      expect(await stateOf(id)).toEqual(NOT_LOGGED_IN);
      expect((await tryLogIn(username)).status).toBe(200);
      expect(await stateOf(id)).toEqual(LOGGED_IN);
    },
  );

  it("leaves nothing behind if its batch fails midway", async () => {
    const { id, username } = await register();
    const failed = await withFailingAudit("auth.login_succeeded", () => tryLogIn(username));
    expectProblem(failed, 500, "internal_error");
    expect(await stateOf(id)).toEqual(NOT_LOGGED_IN);
  });

  it.each([
    ["the attempt is counted", ATTEMPT_COUNTED, NOT_LOGGED_IN],
    ["the session begins", SESSION_BEGUN, LOGGED_IN],
  ])(
    "is either absent or complete if the D1 response is lost after %s",
    async (_, statement, state) => {
      const { id, username } = await register();
      const lost = await tryLogIn(username, losingResponse(statement));
      expectProblem(lost, 503, "service_unavailable");
      expect(await stateOf(id)).toEqual(state);
      expect((await tryLogIn(username)).status).toBe(200);
      expect(await countedAttempts(id)).toEqual([state === LOGGED_IN ? 0 : 1]);
    },
  );

  it("with a wrong password counts as an attempt even if recording the failure fails", async () => {
    const { username } = await register();
    for (let i = 0; i < 10; i += 1) {
      const answer = await tryLogIn(username, failingAt(FAILURE_RECORDED), "wrong password");
      expectProblem(answer, 503, "service_unavailable");
    }
    expectProblem(await tryLogIn(username), 429, "too_many_attempts");
  });
});

describe("a refresh", () => {
  it("changes nothing if D1 fails: the same token works when retried", async () => {
    const { id, refreshToken } = await createTestUser();
    const before = await stateOf(id);
    const failed = await refresh(refreshToken, failingAt(TOKEN_ROTATED));
    expectProblem(failed, 503, "service_unavailable");
    expect(await stateOf(id)).toEqual(before);
    expect((await refresh(refreshToken)).status).toBe(200);
    expect((await stateOf(id)).generations).toEqual([2]);
  });

  it("returns the same successor at every retry if the D1 response was lost", async () => {
    const { id, refreshToken } = await createTestUser();
    for (let i = 0; i < 3; i += 1) {
      const lost = await refresh(refreshToken, losingResponse(TOKEN_ROTATED));
      expectProblem(lost, 503, "service_unavailable");
    }
    const answers = [await refresh(refreshToken), await refresh(refreshToken)];
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect((await stateOf(id)).generations).toEqual([2]);
    expect((await refresh(answers[0]?.body.refresh_token)).status).toBe(200);
  });

  const REUSE_FAULTS: [string, () => Cloudflare.Env][] = [
    ["if D1 fails when the token is checked", () => failingAt(TOKEN_ROTATED)],
    ["if D1 fails when the session is revoked", () => failingAt(SESSION_REVOKED)],
    ["if the D1 response is lost after the check", () => losingResponse(TOKEN_ROTATED)],
    ["if the D1 response is lost after the revocation", () => losingResponse(SESSION_REVOKED)],
  ];
  it.each(REUSE_FAULTS)(
    "of a reused token, %s, returns no token and ends the session with one audit event",
    async (_, bindings) => {
      vi.useFakeTimers({ toFake: ["Date"] });
      const { id, refreshToken } = await createTestUser();
      const { body } = await refresh(refreshToken);
      vi.setSystemTime(Date.now() + 31_000);
      expectProblem(await refresh(refreshToken, bindings()), 503, "service_unavailable");
      const between = await stateOf(id);
      expect(between.ended[0]).toBe(between.actions.includes("session.reuse_detected"));
      expect((await refresh(refreshToken)).status).toBe(401);
      const after = await stateOf(id);
      expect(after.ended).toEqual([true]);
      expect(after.actions.filter((action) => action === "session.reuse_detected")).toHaveLength(1);
      expect((await refresh(body.refresh_token)).status).toBe(401);
    },
  );

  it("of a reused token does not end the session if its audit event cannot be written", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { id, refreshToken } = await createTestUser();
    await refresh(refreshToken);
    vi.setSystemTime(Date.now() + 31_000);
    const failed = await withFailingAudit("session.reuse_detected", () => refresh(refreshToken));
    expectProblem(failed, 500, "internal_error");
    expect((await stateOf(id)).ended).toEqual([false]);
  });
});

describe("a change of password", () => {
  it.each([
    ["the caller is read", CALLER_READ],
    ["the attempt is counted", ATTEMPT_COUNTED],
    ["the password is updated", PASSWORD_UPDATED],
  ])("changes nothing if D1 fails when %s, and succeeds when retried", async (_, statement) => {
    const { id, username, token } = await createTestUser();
    const other = await logIn(username);
    const before = await stateOf(id);
    const failed = await change(token, failingAt(statement));
    expectProblem(failed, 503, "service_unavailable");
    expect(failed.headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(await stateOf(id)).toEqual(before);
    expect((await refresh(other.refreshToken)).status).toBe(200);
    expect((await change(token)).status).toBe(204);
    expect((await tryLogIn(username, undefined, NEW)).status).toBe(200);
  });

  it("changes nothing if its batch fails midway", async () => {
    const { id, token } = await createTestUser();
    const before = await stateOf(id);
    const failed = await withFailingAudit("password.changed", () => change(token));
    expectProblem(failed, 500, "internal_error");
    expect(await stateOf(id)).toEqual(before);
  });

  it("is complete and recorded once if the D1 response is lost", async () => {
    const { id, username, token, refreshToken } = await createTestUser();
    const other = await logIn(username);
    const lost = await change(token, losingResponse(PASSWORD_UPDATED));
    expectProblem(lost, 503, "service_unavailable");
    const state = await stateOf(id);
    expect(state).toMatchObject({ passwordVersion: 2, ended: [false, true] });
    expect(state.actions.filter((action) => action === "password.changed")).toHaveLength(1);
    expectProblem(await change(token), 401, "invalid_credentials");
    expectProblem(await tryLogIn(username), 401, "invalid_credentials");
    expect((await tryLogIn(username, undefined, NEW)).status).toBe(200);
    expect((await refresh(refreshToken)).status).toBe(200);
    expect(await statusesOf(other)).toEqual(ALL_REFUSED);
  });
});
