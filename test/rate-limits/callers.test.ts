import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestUser, type TestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";

const SMALL = { RATE_LIMIT_READ: "3/60", RATE_LIMIT_WRITE: "2/60" };
const DEFAULTS = {
  RATE_LIMIT_AUTH: undefined,
  RATE_LIMIT_REFRESH: undefined,
  RATE_LIMIT_READ: undefined,
  RATE_LIMIT_WRITE: undefined,
};

let user: TestUser;

beforeAll(async () => {
  user = await createTestUser("moderator");
});

async function statuses(count: number, path: string, options: RequestOptions): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 0; i < count; i += 1) seen.push((await send(path, options)).status);
  return seen;
}

async function createKey(): Promise<string> {
  const body = { name: "robot", scopes: ["users:read"] };
  const answer = await send("/v1/api-keys", { token: user.token, body });
  expect(answer.status).toBe(201);
  return answer.body.key;
}

describe("the read and write policies", () => {
  it("count by user, whatever the address and session", async () => {
    stopClock();
    const bindings = createIsolate(SMALL);
    const { token, id } = user;
    expect(await statuses(2, "/v1/auth/me", { token, bindings, ip: "192.0.2.1" })).toEqual([
      200, 200,
    ]);
    const login = await send("/v1/auth/login", {
      body: { username: user.username, password: "SecurePass123!" },
    });
    const other = { token: login.body.access_token, bindings, ip: "192.0.2.2" };
    expect(await statuses(2, `/v1/users/${id}`, other)).toEqual([200, 429]);
    const stranger = await createTestUser();
    const sameAddress = { token: stranger.token, bindings, ip: "192.0.2.1" };
    expect(await statuses(1, "/v1/auth/me", sameAddress)).toEqual([200]);
  });

  it("count reads and writes separately", async () => {
    stopClock();
    const { token } = await createTestUser();
    const bindings = createIsolate(SMALL);
    const write = { method: "PATCH", token, body: {}, bindings };
    expect(await statuses(3, "/v1/users/me", write)).toEqual([200, 200, 429]);
    const refused = await send("/v1/users/me", write);
    expectProblem(refused, 429, "rate_limited");
    expect(refused.headers.get("RateLimit-Policy")).toBe('"write";q=2;w=60');
    expect(refused.headers.get("Retry-After")).toMatch(/^(59|60)$/);
    expect(await statuses(4, "/v1/users/me", { token, bindings })).toEqual([200, 200, 200, 429]);
    expect(await statuses(1, "/v1/users/me", { method: "HEAD", token, bindings })).toEqual([429]);
  });

  it("count each API key separately from its owner", async () => {
    stopClock();
    const [one, other] = [await createKey(), await createKey()];
    const bindings = createIsolate(SMALL);
    const by = (key: string) => ({ headers: { "X-API-Key": key }, bindings });
    expect(await statuses(4, "/v1/users", by(one))).toEqual([200, 200, 200, 429]);
    expect(await statuses(1, "/v1/users", by(other))).toEqual([200]);
    expect(await statuses(1, "/v1/users", { token: user.token, bindings })).toEqual([200]);
  });

  it("count the first request of a live API key for the key alone, not for its address", async () => {
    stopClock();
    const bindings = createIsolate(SMALL);
    const ip = "192.0.2.40";
    const byKey = { headers: { "X-API-Key": await createKey() }, bindings, ip };
    expect(await statuses(1, "/v1/users", byKey)).toEqual([200]);
    expect(await statuses(4, "/v1/users", { bindings, ip })).toEqual([401, 401, 401, 429]);
  });

  it("count callers without a valid credential by address, whatever they send", async () => {
    stopClock();
    const bindings = createIsolate(SMALL);
    const from = (ip: string, token?: string) => ({ bindings, ip, ...(token && { token }) });
    expect(await statuses(2, "/v1/users", from("192.0.2.9"))).toEqual([401, 401]);
    expect(await statuses(2, "/v1/users", from("192.0.2.9", "x.y.z"))).toEqual([401, 429]);
    expect(await statuses(1, "/v1/users", from("192.0.2.10"))).toEqual([401]);
    expect(await statuses(1, "/v1/users", from("192.0.2.9", user.token))).toEqual([200]);
  });

  it("count forbidden requests", async () => {
    stopClock();
    const { token } = await createTestUser();
    const bindings = createIsolate(SMALL);
    expect(await statuses(4, "/v1/users", { token, bindings })).toEqual([403, 403, 403, 429]);
  });
});

describe("the refresh policy", () => {
  it("counts by address, separately from logins", async () => {
    stopClock();
    const bindings = createIsolate({ RATE_LIMIT_REFRESH: "2/60", RATE_LIMIT_AUTH: "5/60" });
    const refresh = { body: { refresh_token: "rrt_x" }, bindings, ip: "192.0.2.20" };
    expect(await statuses(3, "/v1/auth/refresh", refresh)).toEqual([401, 401, 429]);
    const answer = await send("/v1/auth/refresh", refresh);
    expect(answer.headers.get("RateLimit")).toMatch(/^"refresh";r=0;t=(59|60)$/);
    const login = { body: { username: "nobody", password: "x" }, bindings, ip: "192.0.2.20" };
    expect(await statuses(1, "/v1/auth/login", login)).toEqual([401]);
  });
});

describe("without settings", () => {
  it("the policies have their default limits", async () => {
    const bindings = createIsolate(DEFAULTS);
    const policyOf = async (path: string, options: RequestOptions) =>
      (await send(path, { ...options, bindings })).headers.get("RateLimit-Policy");
    const { token } = user;
    expect(await policyOf("/v1/auth/login", { body: {} })).toBe('"auth";q=5;w=60');
    expect(await policyOf("/v1/auth/register", { body: {} })).toBe('"auth";q=5;w=60');
    for (const path of ["password/forgot", "password/reset", "email/verify"]) {
      expect(await policyOf(`/v1/auth/${path}`, { body: {} })).toBe('"auth";q=5;w=60');
    }
    expect(await policyOf("/v1/auth/refresh", { body: {} })).toBe('"refresh";q=30;w=60');
    expect(await policyOf("/v1/auth/me", { token })).toBe('"read";q=1000;w=3600');
    const write = { method: "PATCH", token, body: {} };
    expect(await policyOf("/v1/users/me", write)).toBe('"write";q=100;w=3600');
  });

  it("health, JWKS and the OpenAPI document have no policy", async () => {
    const bindings = createIsolate(SMALL);
    for (const path of ["/health", "/.well-known/jwks.json", "/openapi.json"]) {
      const options = { bindings, ip: "192.0.2.30" };
      expect(await statuses(5, path, options)).toEqual(Array(5).fill(200));
    }
  });
});

describe("a rate limit setting", () => {
  const SETTINGS = ["RATE_LIMIT_AUTH", "RATE_LIMIT_REFRESH", "RATE_LIMIT_READ", "RATE_LIMIT_WRITE"];
  const BAD = ["", "5", "5/", "/60", "0/60", "5/0", "-1/60", "5/60s", "5 / 60", "1e3/60", "off"];

  it.each(SETTINGS)(
    "is named by /ready if it is invalid, and nothing is served: %s",
    async (name) => {
      for (const value of BAD) {
        const bindings = { ...env, [name]: value } as Cloudflare.Env;
        const ready = await send("/ready", { bindings });
        expectProblem(ready, 503, "misconfigured");
        expect(ready.body.checks.config.detail).toContain(`${name}: `);
        expectProblem(await send("/v1/auth/me", { bindings }), 503, "misconfigured");
      }
    },
  );
});
