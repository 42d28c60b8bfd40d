import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { always, faultyBindings, nth } from "../support/faults.ts";
import { actionsOn, createTestUser, newAccount, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { catchLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const OVERLOADED = "D1 DB is overloaded. Requests queued for too long.";

/** KV as it is now, for as long as the test lasts: what is written later does not arrive. */
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
  it("shows a 500 without a message, a stack or SQL", async () => {
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
  ])("that is expected back soon is 503 with Retry-After: %s", async (d1Message) => {
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

  it("at any of its round trips leaves a change whole or undone, and lets it be sent again", async () => {
    const { id, token } = await createTestUser();
    for (let n = 1; n <= 4; n += 1) {
      const bindings = faultyBindings({ d1: nth(n), d1Message: OVERLOADED });
      const body = { first_name: `Name${n}` };
      const first = await send("/v1/users/me", { method: "PATCH", token, body, bindings });
      expect([200, 503]).toContain(first.status);
      expect((await send("/v1/users/me", { method: "PATCH", token, body })).body.first_name).toBe(
        `Name${n}`,
      );
    }
    const updates = (await actionsOn(id)).filter((action) => action === "user.updated");
    expect(updates).toHaveLength(4);
  });

  it("leaves nothing of a batch of which one statement fails", async () => {
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

describe("an answer of D1 lost after the commit", () => {
  const lost = (n = 1) => faultyBindings({ d1AnswerLost: nth(n) });

  it("makes a registration 503: it stands, once, and sending it again is 409", async () => {
    const account = newAccount();
    expectProblem(
      await send("/v1/auth/register", { body: account, bindings: lost() }),
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

  it("costs nobody their login: the refresh sent again gets the successor", async () => {
    const { refreshToken } = await createTestUser();
    const body = { refresh_token: refreshToken };
    expectProblem(
      await send("/v1/auth/refresh", { body, bindings: lost() }),
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

  it("makes a change 503: it stands, recorded once, and a stale If-Match says so", async () => {
    const { id, token } = await createTestUser();
    const etag = (await send("/v1/users/me", { token })).headers.get("ETag") ?? "";
    const change = {
      method: "PATCH",
      token,
      body: { first_name: "Ada" },
      headers: { "If-Match": etag },
    };
    expectProblem(
      await send("/v1/users/me", { ...change, bindings: lost(3) }),
      503,
      "service_unavailable",
    );
    expectProblem(await send("/v1/users/me", change), 412, "version_conflict");
    expect((await send("/v1/users/me", { token })).body.first_name).toBe("Ada");
    expect((await actionsOn(id)).filter((action) => action === "user.updated")).toHaveLength(1);
  });
});

describe("a failing KV", () => {
  it("costs no correctness: login, reads, refresh and logout go on", async () => {
    const { username } = await createTestUser();
    const logs = catchLogs();
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
    expect(warnings.length).toBeGreaterThanOrEqual(2);
    for (const { event } of warnings) expect(event).toMatch(/^kv\./);
  });

  it("that is empty is filled from D1 and does not revive a session that has ended", async () => {
    const { token } = await createTestUser();
    const fresh = await frozenKv();
    const empty = { ...env, KV: { ...fresh.KV, get: async () => null } as unknown as KVNamespace };
    expect((await send("/v1/auth/me", { token, bindings: empty })).status).toBe(200);
    await send("/v1/auth/logout", { method: "POST", token });
    const emptied = { ...empty };
    expect((await send("/v1/auth/me", { token, bindings: emptied })).status).toBe(401);
    expect((await send("/v1/auth/me", { token })).status).toBe(401);
  });

  it("that is stale lets reads through for at most 60 seconds, and writes and refresh not at all", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    const bindings = await frozenKv();
    await send(`/v1/users/${user.id}`, {
      method: "PATCH",
      token: admin.token,
      body: { is_active: false },
    });
    const write = { method: "PATCH", token: user.token, body: { first_name: "x" }, bindings };
    expectProblem(await send("/v1/users/me", write), 401, "unauthenticated");
    const body = { refresh_token: user.refreshToken };
    expectProblem(await send("/v1/auth/refresh", { body, bindings }), 401, "invalid_refresh_token");
    vi.setSystemTime(start + 60_000);
    expectProblem(
      await send("/v1/auth/me", { token: user.token, bindings }),
      401,
      "unauthenticated",
    );
  });

  it("that is stale does not let a demoted moderator read others' data", async () => {
    const moderator = await createTestUser("moderator");
    const admin = await createTestUser("admin");
    await send("/v1/auth/me", { token: moderator.token });
    const bindings = await frozenKv();
    const body = { role: "user" };
    await send(`/v1/users/${moderator.id}/role`, { method: "PUT", token: admin.token, body });
    expectProblem(
      await send("/v1/users", { token: moderator.token, bindings }),
      401,
      "unauthenticated",
    );
  });
});
