import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, roleOf } from "../support/credentials.ts";
import { always, at, faultyBindings } from "../support/faults.ts";
import { actionsOn, createTestUser, newAccount, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const OVERLOADED = "D1 DB is overloaded. Requests queued for too long.";

/** The statement that changes a user. */
const UPDATE = /^update "users"/;

const updatesOf = async (userId: string) =>
  (await actionsOn(userId)).filter((action) => action === "user.updated");

/** Bindings with a snapshot of the current KV: later writes do not become visible. */
async function frozenKv(): Promise<Cloudflare.Env> {
  const { keys } = await env.KV.list();
  const values = new Map<string, unknown>();
  for (const { name } of keys) values.set(name, await env.KV.get(name, "json"));
  const KV = {
    get: async (key: string) => values.get(key) ?? null,
    put: async () => undefined,
  } as unknown as KVNamespace;
  return { ...env, KV };
}

describe("a failing D1", () => {
  it("returns 500 without a message, a stack or SQL", async () => {
    const bindings = faultyBindings({ d1: always, d1Message: "no such column: secret_thing" });
    const answer = await send("/v1/auth/login", {
      body: { username: "ada", password: "x" },
      bindings,
    });
    expectProblem(answer, 500, "internal_error");
    expect(answer.text).not.toMatch(/secret_thing|D1_ERROR|SELECT|\.ts|at /);
  });

  it.each([
    OVERLOADED,
    "Network connection lost.",
    "D1 DB storage operation exceeded timeout which caused object to be reset.",
    "database is locked: SQLITE_BUSY",
  ])("with a transient error returns 503 with Retry-After: %s", async (d1Message) => {
    const bindings = faultyBindings({ d1: always, d1Message });
    const { token } = await createTestUser();
    const answers = [
      await send("/v1/auth/login", { body: { username: "ada", password: "x" }, bindings }),
      await send("/v1/users/me", { token, bindings }),
      await send("/v1/users/me", { method: "PATCH", token, body: {}, bindings }),
    ];
    for (const answer of answers) {
      expectProblem(answer, 503, "service_unavailable");
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(answer.text).not.toContain(d1Message);
    }
  });

  it.each([
    ["read", /from "sessions" inner join "users"/],
    ["write", UPDATE],
  ])("at the %s of a change leaves it undone, and a retry succeeds", async (_, statement) => {
    const { id, token } = await createTestUser();
    const bindings = faultyBindings({ d1: at(statement), d1Message: OVERLOADED });
    const change = { method: "PATCH", token, body: { first_name: "Ada" } };
    const failed = await send("/v1/users/me", { ...change, bindings });
    expectProblem(failed, 503, "service_unavailable");
    expect(await updatesOf(id)).toHaveLength(0);
    const again = await send("/v1/users/me", change);
    expect(again.body.first_name).toBe("Ada");
    expect(await updatesOf(id)).toHaveLength(1);
  });

  it("leaves nothing of a batch if one statement fails", async () => {
    await env.DB.prepare(
      "CREATE TRIGGER fail_audit BEFORE INSERT ON audit_events WHEN new.action = 'user.created' BEGIN SELECT RAISE(ABORT, 'no'); END",
    ).run();
    const account = newAccount();
    const answer = await send("/v1/auth/register", { body: account });
    await env.DB.prepare("DROP TRIGGER fail_audit").run();
    expectProblem(answer, 500, "internal_error");
    expect(await sqlAll("SELECT id FROM users WHERE email_key = ?", account.email)).toEqual([]);
    expect((await send("/v1/auth/register", { body: account })).status).toBe(201);
  });
});

describe("a D1 response lost after the commit", () => {
  const losingResponse = (statement: RegExp) => faultyBindings({ d1AnswerLost: at(statement) });

  it("makes a registration return 503: the user exists once, and a retry returns 409", async () => {
    const account = newAccount();
    expectProblem(
      await send("/v1/auth/register", {
        body: account,
        bindings: losingResponse(/^insert into "users"/),
      }),
      503,
      "service_unavailable",
    );
    expect((await send("/v1/auth/register", { body: account })).status).toBe(409);
    const [user] = await sqlAll<{ id: string }>(
      "SELECT id FROM users WHERE email_key = ?",
      account.email,
    );
    expect(await actionsOn(user?.id ?? "")).toEqual(["user.created"]);
  });

  it("does not end a session: a retried refresh returns the successor", async () => {
    const { refreshToken } = await createTestUser();
    const body = { refresh_token: refreshToken };
    expectProblem(
      await send("/v1/auth/refresh", { body, bindings: losingResponse(/^update "sessions"/m) }),
      503,
      "service_unavailable",
    );
    const again = await send("/v1/auth/refresh", { body });
    expect(again.status).toBe(200);
    const next = await send("/v1/auth/refresh", {
      body: { refresh_token: again.body.refresh_token },
    });
    expect(next.status).toBe(200);
  });

  it("makes a change return 503: it is stored and recorded once, and a retry with the old If-Match returns 412", async () => {
    const { id, token } = await createTestUser();
    const etag = (await send("/v1/users/me", { token })).headers.get("ETag") ?? "";
    const change = {
      method: "PATCH",
      token,
      body: { first_name: "Ada" },
      headers: { "If-Match": etag },
    };
    expectProblem(
      await send("/v1/users/me", { ...change, bindings: losingResponse(UPDATE) }),
      503,
      "service_unavailable",
    );
    expectProblem(await send("/v1/users/me", change), 412, "version_conflict");
    expect((await send("/v1/users/me", { token })).body.first_name).toBe("Ada");
    expect(await updatesOf(id)).toHaveLength(1);
  });
});

describe("a failing KV", () => {
  it("does not affect correctness: login, reads, refresh and logout work", async () => {
    const { username } = await createTestUser();
    const logs = captureLogs();
    const bindings = faultyBindings({ kvGet: always, kvPut: always });
    const login = await send("/v1/auth/login", {
      body: { username, password: PASSWORD },
      bindings,
    });
    expect(login.status).toBe(200);
    const token = login.body.access_token;
    const other = faultyBindings({ kvGet: always, kvPut: always });
    expect((await send("/v1/auth/me", { token, bindings: other })).status).toBe(200);
    const refreshed = await send("/v1/auth/refresh", {
      body: { refresh_token: login.body.refresh_token },
      bindings,
    });
    expect(refreshed.status).toBe(200);
    expect((await send("/v1/auth/logout", { method: "POST", token, bindings })).status).toBe(204);
    expect((await send("/v1/auth/me", { token, bindings })).status).toBe(401);
    const warnings = logs.lines().filter(({ level }) => level === "warn");
    const events = new Set(warnings.map(({ event }) => event));
    expect(events).toEqual(new Set(["session.cache_write_failed", "session.cache_end_failed"]));
    expect(logs.text()).not.toContain(token);
  });

  it("that is empty ends no session and revives none", async () => {
    const { token } = await createTestUser();
    const KV = { get: async () => null, put: async () => undefined } as unknown as KVNamespace;
    expect((await send("/v1/auth/me", { token, bindings: { ...env, KV } })).status).toBe(200);
    await send("/v1/auth/logout", { method: "POST", token });
    expect((await send("/v1/auth/me", { token, bindings: { ...env, KV } })).status).toBe(401);
    expect((await send("/v1/auth/me", { token })).status).toBe(401);
  });

  it("that is stale admits no deactivated user: reads, writes and refresh are refused immediately", async () => {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    const bindings = await frozenKv();
    const { token } = user;
    expect((await send("/v1/auth/me", { token, bindings })).status).toBe(200);
    const deactivate = { method: "PATCH", token: admin.token, body: { is_active: false } };
    expect((await send(`/v1/users/${user.id}`, deactivate)).status).toBe(200);
    expectProblem(await send("/v1/auth/me", { token, bindings }), 401, "unauthenticated");
    const write = { method: "PATCH", token, body: { first_name: "x" }, bindings };
    expectProblem(await send("/v1/users/me", write), 401, "unauthenticated");
    const body = { refresh_token: user.refreshToken };
    expectProblem(await send("/v1/auth/refresh", { body, bindings }), 401, "invalid_refresh_token");
  });

  it("that is stale does not let a demoted moderator read other users", async () => {
    const moderator = await createTestUser("moderator");
    const { token } = moderator;
    const admin = await createTestUser("admin");
    const bindings = await frozenKv();
    expect((await send("/v1/users", { token, bindings })).status).toBe(200);
    const demote = { method: "PUT", token: admin.token, body: { role: "user" } };
    expect((await send(`/v1/users/${moderator.id}/role`, demote)).status).toBe(200);
    expectProblem(await send("/v1/users", { token, bindings }), 401, "unauthenticated");
  });

  it("that is stale does not preserve a permission that was removed from a role", async () => {
    const { token } = await createHolder("users:read");
    const admin = await createTestUser("admin");
    const bindings = await frozenKv();
    expect((await send("/v1/users", { token, bindings })).status).toBe(200);
    const role = await roleOf(["users:read"]);
    const shrink = {
      method: "PUT",
      token: admin.token,
      body: { description: "", permissions: [] },
    };
    expect((await send(`/v1/roles/${role}`, shrink)).status).toBe(200);
    expectProblem(await send("/v1/users", { token, bindings }), 403, "forbidden");
  });
});
