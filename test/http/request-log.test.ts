import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser, newAccount, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";

describe("the request log", () => {
  it("has one JSON line per request with the route, the status and the cost", async () => {
    const { id, token } = await createTestUser();
    const logs = captureLogs();
    const answer = await send("/v1/users/me", { token });
    expect(logs.raw()).toHaveLength(1);
    expect(logs.lines()[0]).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: "info",
      event: "request",
      request_id: answer.headers.get("X-Request-Id"),
      trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
      method: "GET",
      route: "/v1/users/:id",
      status: 200,
      duration_ms: expect.any(Number),
      user_id: id,
      d1: {
        queries: expect.any(Number),
        rows_read: expect.any(Number),
        rows_written: 0,
        ms: expect.any(Number),
      },
      kv: { reads: expect.any(Number), writes: expect.any(Number), ms: expect.any(Number) },
    });
  });

  it("has the id of the API key that calls, on every line once it is known", async () => {
    const owner = await createTestUser();
    const key = await createTestKey(owner, []);
    const logs = captureLogs();
    const bindings = faultyBindings({ d1: at(/^update "api_keys" set "last_used_at"/) });
    await sendWithKey(key, "/v1/users/me", { bindings });
    const shared = { api_key_id: key.id };
    expect(logs.of("api_key.touch_failed")).toMatchObject([{ level: "warn", ...shared }]);
    expect(logs.of("request")).toMatchObject([{ user_id: owner.id, ...shared }]);
    expect(logs.text()).not.toContain(key.key);
    await send("/v1/users/me", { token: owner.token });
    expect(logs.of("request")[1]).not.toHaveProperty("api_key_id");
  });

  it.each([
    ["debug", 2],
    ["info", 2],
    ["warn", 1],
    ["error", 1],
  ])("is filtered by LOG_LEVEL: %s", async (level, lines) => {
    const faults = faultyBindings({ d1: at(/"users"/) });
    const bindings = { ...faults, LOG_LEVEL: level } as Cloudflare.Env;
    const logs = captureLogs();
    await send("/v1/auth/password/forgot", { body: { email: "a@example.com" }, bindings });
    expect(logs.of("request.failed")).toHaveLength(1);
    expect(logs.raw()).toHaveLength(lines);
  });

  it("leaves out warnings with LOG_LEVEL=error", async () => {
    const { refreshToken } = await createTestUser();
    const refresh = (refresh_token: string) =>
      send("/v1/auth/refresh", {
        body: { refresh_token },
        bindings: { ...env, LOG_LEVEL: "error" } as Cloudflare.Env,
      });
    const { body: second } = await refresh(refreshToken);
    await refresh(second.refresh_token);
    const logs = captureLogs();
    expect((await refresh(refreshToken)).status).toBe(401);
    expect(logs.raw()).toEqual([]);
  });

  it("includes the cost even with SERVER_TIMING off", async () => {
    const logs = captureLogs();
    const bindings = { ...env, SERVER_TIMING: "off" };
    await send("/v1/auth/login", { body: { username: "nobody", password: "x" }, bindings });
    const [line] = logs.of("request");
    expect(line).toMatchObject({ status: 401, user_id: null, d1: { queries: 2 } });
  });

  it("contains the route pattern and never the path, even for errors", async () => {
    const admin = await createTestUser("admin");
    const { id } = await createTestUser();
    const logs = captureLogs();
    await send(`/v1/users/${id}`, { token: admin.token });
    await send(`/v1/users/${id}/role`, { method: "PUT", body: {}, token: admin.token });
    await send(`/v1/users/${id}/role`, { method: "POST", token: admin.token });
    await send("/v1/users/private%40example.com", { token: admin.token });
    await send("/private@example.com?email=private@example.com");
    expect(logs.text()).not.toContain(id);
    expect(logs.text()).not.toMatch(/private/);
    expect(logs.of("request").map(({ route }) => route)).toEqual([
      "/v1/users/:id",
      "/v1/users/:id/role",
      "/v1/*",
      "/v1/users/:id",
      null,
    ]);
  });

  it("contains no email, username, password, token, hash or header over the life of an account", async () => {
    const logs = captureLogs();
    const account = newAccount({ username: "unmistakable", email: "unmistakable@example.com" });
    const headers = { "User-Agent": "agent-of-nobody", Cookie: "biscuit=1" };
    const { body: user } = await send("/v1/auth/register", { body: account, headers });
    await send("/v1/auth/register", { body: account, headers });
    await send("/v1/auth/login", {
      body: { username: account.username, password: "wrong-secret" },
    });
    const { body: first } = await send("/v1/auth/login", {
      body: { email: account.email, password: PASSWORD },
    });
    const { body: second } = await send("/v1/auth/refresh", {
      body: { refresh_token: first.refresh_token },
    });
    await send("/v1/auth/refresh", { body: { refresh_token: second.refresh_token } });
    await send("/v1/auth/refresh", { body: { refresh_token: first.refresh_token } });
    await send("/v1/users/me", { token: second.access_token });
    await send("/v1/auth/login", { body: { email: account.email, password: 7 } });
    expect(logs.of("session.reuse_detected")).toHaveLength(1);
    const text = logs.text();
    const [row] = await sqlAll<{ password_hash: string; data_key: string }>(
      "SELECT password_hash, data_key FROM users WHERE id = ?",
      user.id,
    );
    for (const secret of [
      String(row?.password_hash.split("$").at(-1)),
      String(row?.data_key),
      PASSWORD,
      "wrong-secret",
      first.refresh_token,
      second.access_token,
      second.refresh_token,
    ]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/unmistakable|pbkdf2|agent-of-nobody|biscuit|203\.0\.113\.7/);
    expect(logs.of("request")).toHaveLength(9);
  });

  it("contains the kind and stack of a crash without its message, which holds bound values", async () => {
    const logs = captureLogs();
    const d1Message = "near 'SELECT': unmistakable@example.com";
    for (const statement of [/^insert into "login_attempts"/, /^insert into "audit_events"/]) {
      const bindings = faultyBindings({ d1: at(statement), d1Message });
      await send("/v1/auth/login", {
        body: { username: "unmistakable", password: "secret-word" },
        bindings,
      });
    }
    const crashes = logs.of("request.failed");
    expect(crashes).toHaveLength(2);
    expect(crashes[0]).toMatchObject({
      level: "error",
      error: expect.any(String),
      stack: expect.any(Array),
    });
    expect(logs.text()).not.toMatch(/unmistakable|secret-word|SELECT/);
    expect(logs.of("request").map(({ status }) => status)).toEqual([500, 500]);
  });

  it("contains what caused a crash: names, SQLite codes and stacks, without messages", async () => {
    const logs = captureLogs();
    const cause = new TypeError("D1_ERROR: near unmistakable: SQLITE_CONSTRAINT");
    const bindings = {
      ...env,
      DB: {
        prepare: () => ({ bind: () => ({}) }),
        batch: async () => {
          throw new RangeError("Failed query: unmistakable\nparams: secret-word", { cause });
        },
      } as unknown as D1Database,
    };
    await send("/v1/auth/login", { body: { username: "ada", password: "x" }, bindings });
    const [crash] = logs.of("request.failed");
    const frames = expect.arrayContaining([expect.stringMatching(/^at /)]);
    expect(crash).toMatchObject({
      level: "error",
      error: "RangeError",
      stack: frames,
      causes: [{ error: "TypeError", sqlite: "SQLITE_CONSTRAINT", stack: frames }],
    });
    expect(logs.text()).not.toMatch(/unmistakable|secret-word|Failed query/);
  });

  it("says where a crash was seen, if the runtime gives its error no stack", async () => {
    const logs = captureLogs();
    const error = new Error("unmistakable");
    error.stack = "Error: unmistakable";
    const batch = () => Promise.reject(error);
    const DB = { prepare: () => ({ bind: () => ({}) }), batch } as unknown as D1Database;
    const body = { username: "ada", password: "x" };
    await send("/v1/auth/login", { body, bindings: { ...env, DB } });
    const [crash] = logs.of("request.failed");
    expect(crash?.stack).not.toEqual([]);
    expect(crash).toMatchObject({ method: "POST", route: "/v1/auth/login" });
    expect(logs.text()).not.toContain("unmistakable");
  });

  it("leaves the statement and its parameters out of a failed query's stack", async () => {
    const { id, token } = await createTestUser();
    const [session] = await sqlAll<{ id: string }>("SELECT id FROM sessions WHERE user_id = ?", id);
    const logs = captureLogs();
    const bindings = faultyBindings({
      d1: at(/from "sessions" inner join "users"/),
      d1Message: "no such table: unmistakable",
    });
    await send("/v1/users/me", { method: "PATCH", token, body: {}, bindings });
    const [crash] = logs.of("request.failed");
    const text = JSON.stringify(crash);
    expect(crash?.stack).not.toEqual([]);
    expect(text).not.toContain(session?.id);
    expect(text).not.toMatch(/select|params|unmistakable/i);
  });

  it("cannot be given a second line by a client's input", async () => {
    const logs = captureLogs();
    await send("/v1/users/%0D%0A%7B%22event%22%3A%22forged%22%7D");
    await send("/v1/nothing", { headers: { "X-Request-Id": "a%0d%0aforged1" } });
    expect(logs.raw()).toHaveLength(2);
    for (const line of logs.raw()) expect(line).not.toMatch(/[\r\n]|forged/);
  });
});
