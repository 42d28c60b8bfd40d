import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser, newAccount, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { catchLogs } from "../support/logs.ts";

describe("the request log", () => {
  it("writes one JSON line a request: what was asked, what came of it and what it cost", async () => {
    const { id, token } = await createTestUser();
    const logs = catchLogs();
    const answer = await send("/v1/users/me", { token });
    expect(logs.raw()).toHaveLength(1);
    expect(logs.lines()[0]).toEqual({
      level: "info",
      event: "request",
      request_id: answer.headers.get("X-Request-Id"),
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

  it("carries the cost with SERVER_TIMING off, too", async () => {
    const logs = catchLogs();
    const bindings = { ...env, SERVER_TIMING: "off" };
    await send("/v1/auth/login", { body: { username: "nobody", password: "x" }, bindings });
    const [line] = logs.of("request");
    expect(line).toMatchObject({ status: 401, user_id: null, d1: { queries: 2 } });
  });

  it("names the pattern of the route and never the path, on errors too", async () => {
    const admin = await createTestUser("admin");
    const { id } = await createTestUser();
    const logs = catchLogs();
    await send(`/v1/users/${id}`, { token: admin.token });
    await send(`/v1/users/${id}/role`, { method: "PUT", body: {}, token: admin.token });
    await send(`/v1/users/${id}/role`, { method: "POST", token: admin.token });
    await send("/v1/users/private%40example.com", { token: admin.token });
    await send("/private@example.com?email=private@example.com");
    expect(logs.text()).not.toContain(id);
    expect(logs.text()).not.toMatch(/private/);
    expect(
      logs
        .of("request")
        .map(({ route }) => route)
        .slice(0, 2),
    ).toEqual(["/v1/users/:id", "/v1/users/:id/role"]);
  });

  it("holds no email, username, password, token, hash or header of a whole life's requests", async () => {
    const logs = catchLogs();
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
    for (const secret of [
      PASSWORD,
      "wrong-secret",
      first.refresh_token,
      second.access_token,
      second.refresh_token,
    ]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/unmistakable|pbkdf2|agent-of-nobody|biscuit|203\.0\.113\.7/);
    expect(text).not.toContain(`"${user.email}"`);
  });

  it("names the kind and place of a crash without the message, which holds bound values", async () => {
    const logs = catchLogs();
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

  it("leaves the statement and its parameters out of the stack of a failed query", async () => {
    const { id, token } = await createTestUser();
    const [session] = await sqlAll<{ id: string }>("SELECT id FROM sessions WHERE user_id = ?", id);
    const logs = catchLogs();
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

  it("cannot be made to write a second line by what a client sends", async () => {
    const logs = catchLogs();
    await send("/v1/users/%0D%0A%7B%22event%22%3A%22forged%22%7D");
    await send("/v1/nothing", { headers: { "X-Request-Id": "a%0d%0aforged1" } });
    expect(logs.raw()).toHaveLength(2);
    for (const line of logs.raw()) expect(line).not.toMatch(/[\r\n]|forged/);
  });
});
