import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  allAuditOf,
  auditOf,
  createTestUser,
  newAccount,
  PASSWORD,
  sqlAll,
  sqlRun,
} from "../support/fixtures.ts";
import { currentIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import { derivedIterations } from "../support/setup.ts";

const logIn = (body: Record<string, unknown>, bindings = currentIsolate()) =>
  send("/v1/auth/login", { body: { password: PASSWORD, ...body }, bindings });

async function register() {
  const account = newAccount();
  const { body } = await send("/v1/auth/register", { body: account });
  return { ...account, id: body.id as string };
}

describe("POST /v1/auth/login", () => {
  it("returns the tokens of a new session, with no-store", async () => {
    const { username } = await register();
    const answer = await logIn({ username });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 900,
      refresh_expires_in: 604_800,
    });
  });

  it("finds the account by username or email in any case, with an email in either field", async () => {
    const { username, email } = await register();
    const names = [
      { username },
      { username: username.toUpperCase() },
      { username: ` ${username} ` },
      { email },
      { email: email.toUpperCase() },
      { username: email },
      { username: email.toUpperCase() },
      { email: username },
    ];
    for (const name of names) expect((await logIn(name)).status).toBe(200);
  });

  it("accepts a password in any Unicode normalization form", async () => {
    const account = newAccount({ password: "caf\u00e9 au lait" });
    await send("/v1/auth/register", { body: account });
    const { username } = account;
    expect((await logIn({ username, password: "cafe\u0301 au lait" })).status).toBe(200);
    expectProblem(await logIn({ username, password: "cafe au lait" }), 401, "invalid_credentials");
    expectProblem(
      await logIn({ username, password: "caf\u00e9 au lait " }),
      401,
      "invalid_credentials",
    );
  });

  it("records auth.login_succeeded once and updates last_login_at", async () => {
    const { username, id } = await register();
    const { body } = await logIn({ username });
    const me = await send("/v1/auth/me", { token: body.access_token });
    const [event] = (await allAuditOf(id)).slice(-1);
    expect(event).toMatchObject({
      action: "auth.login_succeeded",
      actor_type: "user",
      actor_id: id,
      target_type: "user",
      ip: "203.0.113.7",
      changes: null,
      metadata: { session_id: me.body.session.id },
    });
    expect(me.body.user.last_login_at).toBe(me.body.session.created_at);
  });

  it("records auth.login_failed for a wrong password, on the account", async () => {
    const { username, id } = await register();
    await logIn({ username, password: "wrong password" });
    const [event] = (await auditOf(id)).slice(-1);
    expect(event).toMatchObject({
      action: "auth.login_failed",
      actor_type: "anonymous",
      actor_id: null,
    });
    expect(event?.changes).toBeNull();
  });

  it("counts a failure for an unknown name, and stores the name nowhere", async () => {
    const username = `stranger-${crypto.randomUUID().slice(0, 8)}`;
    const before = await sqlAll("SELECT count(*) FROM audit_events");
    await logIn({ username });
    expect(await sqlAll("SELECT count(*) FROM audit_events")).toEqual(before);
    const counts = await sqlAll("SELECT * FROM unattributed_events");
    expect(counts).toMatchObject([{ action: "auth.login_failed", network: "203.0.113.0/24" }]);
    const everything = JSON.stringify([counts, await sqlAll("SELECT * FROM login_attempts")]);
    expect(everything).not.toContain(username);
  });

  it("responds and works alike for a wrong password and an unknown, inactive or deleted account", async () => {
    const [wrong, inactive, deleted] = [await register(), await register(), await register()];
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", inactive.id);
    await sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", deleted.id);
    const attempts = [
      { username: "nobody-here" },
      { email: "nobody@example.com" },
      { username: wrong.username, password: "wrong password" },
      { username: inactive.username },
      { username: inactive.username, password: "wrong password" },
      { email: deleted.email },
    ];
    const seen = new Set<string>();
    for (const attempt of attempts) {
      derivedIterations.length = 0;
      const answer = await logIn(attempt);
      expectProblem(answer, 401, "invalid_credentials");
      const { request_id: _, ...body } = answer.body;
      const headers = [...answer.headers].filter(
        ([name]) => !/server-timing|x-request-id/.test(name),
      );
      const { queries, kvReads, kvWrites } = costOf(answer);
      seen.add(JSON.stringify([body, headers, derivedIterations, queries, kvReads, kvWrites]));
    }
    expect(seen.size).toBe(1);
    expect(derivedIterations).toEqual([1000]);
  });

  it("hashes 600,000 iterations in calls of at most 100,000, even for an unknown name", async () => {
    const bindings = { ...env, PASSWORD_ITERATIONS: "600000" };
    derivedIterations.length = 0;
    await logIn({ username: "nobody-here" }, bindings);
    expect(derivedIterations).toEqual(Array(6).fill(100_000));
  });

  it("rehashes at login if the iterations have changed, and only then", async () => {
    const { username, id } = await register();
    const hashOf = async () =>
      (
        await sqlAll<{ password_hash: string }>("SELECT password_hash FROM users WHERE id = ?", id)
      )[0]?.password_hash;
    const before = await hashOf();
    await logIn({ username });
    expect(await hashOf()).toBe(before);
    const bindings = { ...env, PASSWORD_ITERATIONS: "2000" };
    expectProblem(
      await logIn({ username, password: "wrong password" }, bindings),
      401,
      "invalid_credentials",
    );
    expect(await hashOf()).toBe(before);
    expect((await logIn({ username }, bindings)).status).toBe(200);
    expect(await hashOf()).toContain("i=2000,");
    expect((await logIn({ username }, bindings)).status).toBe(200);
  });

  it("starts no session if the account is deactivated while the password is checked", async () => {
    const { username, id } = await register();
    const deactivate = () => sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", id);
    const bindings = beforeStatement(/^insert into "sessions"/, deactivate);
    const answer = await logIn({ username }, bindings);
    expectProblem(answer, 401, "invalid_credentials");
    expect(await sqlAll("SELECT id FROM sessions WHERE user_id = ?", id)).toEqual([]);
    expect((await allAuditOf(id)).map(({ action }) => action)).toEqual(["user.created"]);
  });

  it("ends the least recently used session above the limit of 50", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const { username } = await register();
    const sessions: { access_token: string; refresh_token: string }[] = [];
    for (let i = 0; i < 50; i += 1) {
      vi.setSystemTime(start + i * 1000);
      sessions.push((await logIn({ username })).body);
    }
    const [first, second, third] = sessions;
    vi.setSystemTime(start + 60_000);
    const refreshed = await send("/v1/auth/refresh", {
      body: { refresh_token: first?.refresh_token },
    });
    expect(refreshed.status).toBe(200);
    await logIn({ username });
    const statusOf = async (token: string | undefined) =>
      (await send("/v1/auth/me", { token: token ?? "" })).status;
    expect(await statusOf(second?.access_token)).toBe(401);
    expect(await statusOf(first?.access_token)).toBe(200);
    expect(await statusOf(third?.access_token)).toBe(200);
  });

  it.each([
    [{}, ["username username_or_email"]],
    [{ username: "a", email: "b" }, ["username username_or_email"]],
    [{ username: "a", password: 7 }, ["password invalid_type"]],
    [{ username: "" }, ["username too_short"]],
    [{ username: "a", password: "" }, ["password too_short"]],
    [{ username: "a", password: "x".repeat(1_000) }, ["password too_long"]],
    [{ username: "a", remember: true }, ["remember unknown_field"]],
    [{ username: ["a"] }, ["username invalid_type"]],
  ])("returns 422 for %j", async (body, faults) => {
    const answer = await logIn(body);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(faults);
  });

  it("returns 422 naming a missing password", async () => {
    const answer = await send("/v1/auth/login", { body: { username: "ada" } });
    expect(faultsOf(answer)).toEqual(["password required"]);
  });
});

describe("the session of a login", () => {
  it("stores its address and user agent, and ignores headers that a client can forge", async () => {
    const user = await createTestUser();
    const { body } = await send("/v1/auth/login", {
      body: { username: user.username, password: PASSWORD },
      ip: "2001:db8::1",
      headers: {
        "User-Agent": "x".repeat(2000),
        "X-Forwarded-For": "192.0.2.9",
        "X-Real-IP": "192.0.2.9",
      },
    });
    const me = await send("/v1/auth/me", { token: body.access_token });
    expect(me.body.session).toMatchObject({ ip: "2001:db8::1", current: true });
    expect(me.body.session.user_agent).toHaveLength(512);
  });
});
