import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { newAccount, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const SECOND = 1000;
const DAY = 86_400 * SECOND;

async function newUser(): Promise<string> {
  const account = newAccount();
  await send("/v1/auth/register", { body: account });
  return account.username;
}

async function logIn(username: string, bindings: Cloudflare.Env) {
  const { body } = await send("/v1/auth/login", {
    body: { username, password: PASSWORD },
    bindings,
  });
  return body as { access_token: string; refresh_token: string; [figure: string]: unknown };
}

const refresh = (refresh_token: string, bindings: Cloudflare.Env) =>
  send("/v1/auth/refresh", { body: { refresh_token }, bindings });

const readOwn = (token: string, bindings = createIsolate()) =>
  send("/v1/users/me", { token, bindings });

describe("a session", () => {
  it("lasts for SESSION_IDLE_DAYS and SESSION_MAX_DAYS", async () => {
    const { at } = stopClock();
    const bindings = createIsolate({ SESSION_IDLE_DAYS: "2", SESSION_MAX_DAYS: "3" });
    const username = await newUser();
    const [used, idle] = [await logIn(username, bindings), await logIn(username, bindings)];
    expect(used.refresh_expires_in).toBe(2 * 86_400);
    at(2 * DAY - SECOND);
    const second = await refresh(used.refresh_token, bindings);
    expect(second.body.refresh_expires_in).toBe(86_401);
    at(2 * DAY);
    expectProblem(await refresh(idle.refresh_token, bindings), 401, "invalid_refresh_token");
    at(3 * DAY - SECOND);
    const third = await refresh(second.body.refresh_token, bindings);
    expect(third.body.refresh_expires_in).toBe(1);
    at(3 * DAY);
    const last = await refresh(third.body.refresh_token, bindings);
    expectProblem(last, 401, "invalid_refresh_token");
  });

  it("lasts for SESSION_IDLE_DAYS after each refresh, and no longer", async () => {
    const { at } = stopClock();
    const bindings = createIsolate({ SESSION_IDLE_DAYS: "2", SESSION_MAX_DAYS: "10" });
    const { refresh_token } = await logIn(await newUser(), bindings);
    at(DAY);
    const second = await refresh(refresh_token, bindings);
    expect(second.body.refresh_expires_in).toBe(2 * 86_400);
    at(3 * DAY - SECOND);
    const third = await refresh(second.body.refresh_token, bindings);
    expect(third.body.refresh_expires_in).toBe(2 * 86_400);
    at(5 * DAY - SECOND);
    const last = await refresh(third.body.refresh_token, bindings);
    expectProblem(last, 401, "invalid_refresh_token");
  });

  it("shows the time until which its last refresh has extended it", async () => {
    const { start, at } = stopClock();
    const bindings = createIsolate({ SESSION_IDLE_DAYS: "2", SESSION_MAX_DAYS: "3" });
    const { refresh_token } = await logIn(await newUser(), bindings);
    const expiryAfter = async (token: string) => {
      const { body } = await refresh(token, bindings);
      const sessions = await send("/v1/auth/sessions", { token: body.access_token, bindings });
      return { next: body.refresh_token, expiresAt: Date.parse(sessions.body.data[0].expires_at) };
    };
    at(SECOND);
    const second = await expiryAfter(refresh_token);
    expect(second.expiresAt).toBe(start + SECOND + 2 * DAY);
    at(2 * DAY);
    const third = await expiryAfter(second.next);
    expect(third.expiresAt).toBe(start + 3 * DAY);
  });

  it("never lasts longer than SESSION_MAX_DAYS, whatever SESSION_IDLE_DAYS is", async () => {
    const { at } = stopClock();
    const bindings = createIsolate({ SESSION_IDLE_DAYS: "30", SESSION_MAX_DAYS: "1" });
    const tokens = await logIn(await newUser(), bindings);
    expect(tokens.refresh_expires_in).toBe(86_400);
    at(DAY);
    expectProblem(await refresh(tokens.refresh_token, bindings), 401, "invalid_refresh_token");
  });

  it("with less than 60 seconds left still refreshes and reads", async () => {
    const { at } = stopClock();
    const bindings = createIsolate({ SESSION_MAX_DAYS: "1" });
    const { refresh_token } = await logIn(await newUser(), bindings);
    const logs = captureLogs();
    at(DAY - 30 * SECOND);
    const { status, body } = await refresh(refresh_token, bindings);
    expect(status).toBe(200);
    expect(body.refresh_expires_in).toBe(30);
    expect((await readOwn(body.access_token)).status).toBe(200);
    expect(logs.lines().filter(({ level }) => level !== "info")).toEqual([]);
  });

  it("issues access tokens that expire with it, for services that verify tokens offline", async () => {
    const { start, at } = stopClock();
    const bindings = createIsolate({ SESSION_MAX_DAYS: "1" });
    const { refresh_token } = await logIn(await newUser(), bindings);
    at(DAY - 30 * SECOND);
    const { body } = await refresh(refresh_token, bindings);
    expect(body.expires_in).toBe(30);
    expect(decodeJwt(body.access_token).exp).toBe((start + DAY) / SECOND);
    at(DAY);
    const write = { method: "PATCH", token: body.access_token, body: {} };
    expectProblem(await send("/v1/users/me", write), 401, "unauthenticated");
    expectProblem(await readOwn(body.access_token), 401, "unauthenticated");
  });

  it("issues access tokens that last for ACCESS_TOKEN_TTL_SECONDS", async () => {
    const { at } = stopClock();
    const bindings = createIsolate({ ACCESS_TOKEN_TTL_SECONDS: "120" });
    const tokens = await logIn(await newUser(), bindings);
    expect(tokens.expires_in).toBe(120);
    const { iat = 0, exp } = decodeJwt(tokens.access_token);
    expect(exp).toBe(iat + 120);
    at(119 * SECOND);
    expect((await readOwn(tokens.access_token)).status).toBe(200);
    at(120 * SECOND);
    expectProblem(await readOwn(tokens.access_token), 401, "unauthenticated");
  });
});

describe("SESSION_LIMIT", () => {
  it("limits live sessions: one more login ends the least recently used session immediately", async () => {
    const { at } = stopClock();
    const bindings = createIsolate({ SESSION_LIMIT: "3" });
    const username = await newUser();
    const first = await logIn(username, bindings);
    at(1000);
    const second = await logIn(username, bindings);
    at(2000);
    const third = await logIn(username, bindings);
    at(3000);
    const { body: again } = await refresh(first.refresh_token, bindings);
    at(4000);
    const fourth = await logIn(username, bindings);
    expectProblem(await refresh(second.refresh_token, bindings), 401, "invalid_refresh_token");
    expectProblem(await readOwn(second.access_token), 401, "unauthenticated");
    const write = { method: "PATCH", token: second.access_token, body: {} };
    expectProblem(await send("/v1/users/me", write), 401, "unauthenticated");
    for (const { refresh_token } of [again, third, fourth]) {
      expect((await refresh(refresh_token, bindings)).status).toBe(200);
    }
  });

  it("holds for 10 concurrent logins, and does not count expired sessions", async () => {
    const { at } = stopClock();
    const bindings = createIsolate({ SESSION_LIMIT: "3" });
    const username = await newUser();
    const live = () =>
      sqlAll(
        `SELECT s.id FROM sessions AS s JOIN users AS u ON u.id = s.user_id
          WHERE u.username_key = ? AND s.revoked_at IS NULL AND s.expires_at > ?`,
        username,
        Date.now(),
      );
    await Promise.all(Array.from({ length: 10 }, () => logIn(username, bindings)));
    expect(await live()).toHaveLength(3);
    const evictions = () =>
      sqlAll(
        `SELECT e.id FROM audit_events AS e JOIN users AS u ON u.id = e.target_id
          WHERE u.username_key = ? AND e.action = 'session.revoked' AND e.actor_type = 'system'`,
        username,
      );
    expect(await evictions()).toHaveLength(7);
    at(8 * DAY);
    const fresh = [await logIn(username, bindings), await logIn(username, bindings)];
    expect(await live()).toHaveLength(2);
    expect(await evictions()).toHaveLength(7);
    for (const { access_token } of fresh) expect((await readOwn(access_token)).status).toBe(200);
  });
});
