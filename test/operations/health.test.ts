import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { version } from "../../package.json";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { beforeEachStatement, wrapD1 } from "../support/d1.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

describe("GET /health", () => {
  it("returns the version without D1 or KV access", async () => {
    const answer = await send("/health");
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ status: "healthy", version });
    expect(costOf(answer)).toEqual({
      queries: 0,
      rowsRead: 0,
      rowsWritten: 0,
      kvReads: 0,
      kvWrites: 0,
    });
  });

  it("responds while every store fails and nothing is configured", async () => {
    const bindings = { ...faultyBindings({ d1: always, kvGet: always }), SIGNING_KEYS: "" };
    expect((await send("/health", { bindings })).status).toBe(200);
  });

  it("ignores tokens", async () => {
    const { token } = await createTestUser();
    for (const credential of [token, "x.y.z"]) {
      expect((await send("/health", { token: credential })).status).toBe(200);
    }
  });
});

describe("GET /ready", () => {
  it("returns 200 with the latency of each store", async () => {
    const answer = await send("/ready");
    expect(answer.status).toBe(200);
    const ok = { status: "ok", duration_ms: expect.any(Number) };
    const checks = { d1: ok, kv: ok, mail: { status: "ok" }, data_keys: { status: "ok" } };
    expect(answer.body).toEqual({ status: "ready", checks });
  });

  it.each([
    ["MAIL_TRANSPORT is off", createIsolate({ MAIL_TRANSPORT: "off" })],
    ["there is no address for links", createIsolate({ APP_URL: undefined })],
    ["there is no EMAIL binding", createIsolate({ EMAIL: undefined })],
  ])("returns 200 with mail off if %s", async (_, bindings) => {
    const answer = await send("/ready", { bindings });
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body.checks.mail).toEqual({ status: "off" });
  });

  it.each([
    ["d1", faultyBindings({ d1: always, d1Message: "secret detail" })],
    ["kv", faultyBindings({ kvGet: always })],
  ])("returns 503 naming %s if it fails, without its error message", async (store, bindings) => {
    const answer = await send("/ready", { bindings });
    expectProblem(answer, 503, "service_unavailable");
    expect(answer.headers.get("Retry-After")).toMatch(/^\d+$/);
    const failed = Object.entries<{ status: string }>(answer.body.checks).filter(
      ([, { status }]) => status !== "ok",
    );
    expect(failed.map(([name]) => name)).toEqual([store]);
    expect(answer.text).not.toMatch(/secret detail|Internal Server Error|D1_ERROR/);
  });

  it("names both if both fail", async () => {
    const { body } = await send("/ready", {
      bindings: faultyBindings({ d1: always, kvGet: always }),
    });
    expect(body.checks).toMatchObject({ d1: { status: "failed" }, kv: { status: "failed" } });
  });

  it("returns 503 if migrations are not applied", async () => {
    await sqlRun("ALTER TABLE roles RENAME TO roles_away");
    const answer = await send("/ready", { bindings: createIsolate() });
    await sqlRun("ALTER TABLE roles_away RENAME TO roles");
    expectProblem(answer, 503, "service_unavailable");
    expect(answer.body.checks.d1.status).toBe("failed");
    expect((await send("/ready", { bindings: createIsolate() })).status).toBe(200);
  });

  it("asks D1 and KV at most once in five seconds", async () => {
    const { pass } = stopClock();
    const bindings = createIsolate();
    const asked = async () => {
      const { queries, kvReads } = costOf(await send("/ready", { bindings }));
      return { queries, kvReads };
    };
    expect(await asked()).toEqual({ queries: 1, kvReads: 1 });
    expect(await asked()).toEqual({ queries: 0, kvReads: 0 });
    pass(4999);
    expect(await asked()).toEqual({ queries: 0, kvReads: 0 });
    pass(1);
    expect(await asked()).toEqual({ queries: 1, kvReads: 1 });
  });

  it("asks D1 once for concurrent requests", async () => {
    let roundTrips = 0;
    const { promise: everyoneHasAsked, resolve } = Promise.withResolvers<void>();
    const bindings = beforeEachStatement(/from "roles"/, () => {
      roundTrips += 1;
      return everyoneHasAsked;
    });
    const running = Array.from({ length: 20 }, () => send("/ready", { bindings }));
    await send("/health", { bindings });
    resolve();
    const answers = await Promise.all(running);
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(roundTrips).toBe(1);
  });

  it("repeats a failure for one second", async () => {
    const { pass } = stopClock();
    let isDown = true;
    const failsWhileDown = { before: async () => (isDown ? Promise.reject(new Error("down")) : 0) };
    const bindings = { ...createIsolate(), DB: wrapD1(failsWhileDown) };
    expect((await send("/ready", { bindings })).status).toBe(503);
    isDown = false;
    pass(999);
    expect((await send("/ready", { bindings })).status).toBe(503);
    pass(1);
    expect((await send("/ready", { bindings })).status).toBe(200);
  });

  it("counts under the read limit of its address, and refuses before it asks a store", async () => {
    const bindings = createIsolate({ RATE_LIMIT_READ: "2/3600" });
    const ip = "192.0.2.77";
    const first = await send("/ready", { bindings, ip });
    expect(first.headers.get("RateLimit-Policy")).toBe('"read";q=2;w=3600');
    await send("/ready", { bindings, ip });
    const refused = await send("/ready", { bindings, ip });
    expectProblem(refused, 429, "rate_limited");
    expect(costOf(refused).queries).toBe(0);
    expect((await send("/ready", { bindings, ip: "198.51.100.77" })).status).toBe(200);
  });

  it("answers without a limit while the configuration is invalid, and asks no more often", async () => {
    let roundTrips = 0;
    const DB = wrapD1({
      before: async () => {
        roundTrips += 1;
      },
    });
    const bindings = { ...createIsolate({ MAC_KEYS: "", RATE_LIMIT_READ: "1/3600" }), DB };
    for (let i = 0; i < 3; i += 1) {
      const answer = await send("/ready", { bindings });
      expectProblem(answer, 503, "misconfigured");
      expect(answer.body.checks).not.toHaveProperty("data_keys");
    }
    expect(roundTrips).toBe(1);
  });
});

describe("a key removed from DATA_KEYS", () => {
  const OTHER_KEYS = { DATA_KEYS: jwkSet(octJwk("another")) };
  const [{ kid: lostKid, k: lostSecret } = { kid: "", k: "" }] = JSON.parse(env.DATA_KEYS).keys;
  const missing = { status: "missing" };

  const checksOf = async (bindings: Cloudflare.Env) => {
    const { status, body } = await send("/ready", { bindings });
    return { status, data_keys: body.checks.data_keys };
  };

  it("is missing in /ready of a new isolate, which stays 200, and named in the log once", async () => {
    await createTestUser();
    const logs = captureLogs();
    const bindings = createIsolate(OTHER_KEYS);
    expect(await checksOf(bindings)).toEqual({ status: 200, data_keys: missing });
    expect(await checksOf(bindings)).toEqual({ status: 200, data_keys: missing });
    expect(logs.of("data_key.missing")).toMatchObject([{ level: "error", kid: lostKid }]);
    expect(logs.text()).not.toContain(lostSecret);
  });

  it("is missing once an isolate has handled a user who depends on it", async () => {
    const user = await createTestUser();
    const bindings = createIsolate(OTHER_KEYS);
    const logs = captureLogs();
    const body = { first_name: "Ada" };
    const options = { method: "PATCH", token: user.token, body, bindings };
    expect((await send("/v1/users/me", options)).status).toBe(200);
    expect(logs.of("data_key.missing")).toMatchObject([{ kid: lostKid }]);
    expect((await checksOf(bindings)).data_keys).toEqual(missing);
  });

  it("is missing at once, though the stores were asked within five seconds", async () => {
    stopClock();
    await sqlRun("UPDATE users SET data_key = NULL");
    const bindings = createIsolate(OTHER_KEYS);
    expect((await checksOf(bindings)).data_keys).toEqual({ status: "ok" });
    const { token } = await createTestUser();
    await send("/v1/users/me", { method: "PATCH", token, body: { first_name: "Ada" }, bindings });
    expect((await checksOf(bindings)).data_keys).toEqual(missing);
  });

  it("is found in a sample of users, whenever those who depend on it were created", async () => {
    await sqlRun("UPDATE users SET data_key = NULL");
    const rows = JSON.stringify(Array.from({ length: 320 }, (_, at) => at));
    await sqlRun(
      `INSERT INTO users (id, username, username_key, email, email_key, data_key, role, created_at, updated_at)
       SELECT 'u' || value, 'u' || value, 'u' || value, 'u' || value, 'u' || value,
         CASE WHEN value BETWEEN 100 AND 122 THEN 'lost.key' ELSE 'another.key' END, 'user', value, 1 FROM json_each(?)`,
      rows,
    );
    await sqlRun("UPDATE users SET created_at = 319 WHERE created_at > 319");
    const logs = captureLogs();
    const answer = await send("/ready", { bindings: createIsolate(OTHER_KEYS) });
    expect(answer.body.checks.data_keys).toEqual(missing);
    expect(costOf(answer).rowsRead).toBeLessThanOrEqual(50);
    expect(logs.of("data_key.missing").map(({ kid }) => kid)).toEqual(["lost"]);
  });

  it("is found if only deleted users depend on it, however many other users there are", async () => {
    await sqlRun("UPDATE users SET data_key = 'another.key', deleted_at = NULL");
    const deleted = "UPDATE users SET data_key = 'gone.key', deleted_at = 1 WHERE id LIKE 'u3_'";
    await sqlRun(deleted);
    const logs = captureLogs();
    const answer = await send("/ready", { bindings: createIsolate(OTHER_KEYS) });
    expect(answer.body.checks.data_keys).toEqual(missing);
    expect(costOf(answer).rowsRead).toBeLessThanOrEqual(60);
    expect(logs.of("data_key.missing").map(({ kid }) => kid)).toEqual(["gone"]);
  });
});
