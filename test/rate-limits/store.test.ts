import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser } from "../support/fixtures.ts";
import { isolate, staleKv, watchedIsolate } from "../support/isolates.ts";
import { catchLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const AUTH = { RATE_LIMIT_AUTH: "5/60" };
const LIMITS = {
  RATE_LIMIT_AUTH: "5/60",
  RATE_LIMIT_REFRESH: "30/60",
  RATE_LIMIT_READ: "1000/3600",
  RATE_LIMIT_WRITE: "100/3600",
};

let lastAddress = 0;
function newAddress(): string {
  lastAddress += 1;
  return `198.51.100.${lastAddress}`;
}

const logIn = (bindings: Cloudflare.Env, ip: string) =>
  send("/v1/auth/login", {
    body: { username: crypto.randomUUID(), password: "wrong password" },
    bindings,
    ip,
  });

async function statuses(count: number, bindings: Cloudflare.Env, ip: string): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 0; i < count; i += 1) seen.push((await logIn(bindings, ip)).status);
  return seen;
}

const rateKeys = async () => (await env.KV.list({ prefix: "rate:" })).keys;

describe("another isolate", () => {
  it("hears of what one has counted, also of the last before it went quiet", async () => {
    stopClock();
    const ip = newAddress();
    expect(await statuses(6, isolate(AUTH), ip)).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await statuses(1, isolate(AUTH), ip)).toEqual([429]);
  });

  it("adds its own count to it, and tells", async () => {
    const { pass } = stopClock();
    const ip = newAddress();
    const [one, other] = [isolate(AUTH), isolate(AUTH)];
    expect(await statuses(2, one, ip)).toEqual([401, 401]);
    expect(await statuses(2, other, ip)).toEqual([401, 401]);
    pass(2000);
    expect(await statuses(2, one, ip)).toEqual([401, 429]);
    pass(2000);
    expect(await statuses(1, other, ip)).toEqual([429]);
  });

  it("that reads KV as it was once still counts exactly what it lets through itself", async () => {
    stopClock();
    const ip = newAddress();
    const bindings = { ...isolate(AUTH), KV: staleKv(100) };
    expect(await statuses(7, bindings, ip)).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });
});

describe("KV", () => {
  it("is written to at most once a second a key, and in the end knows every count", async () => {
    const { wait } = stopClock();
    const ip = newAddress();
    const { bindings, puts } = watchedIsolate({ RATE_LIMIT_AUTH: "50/60" });
    for (let burst = 0; burst < 3; burst += 1) {
      await Promise.all(Array.from({ length: 8 }, () => logIn(bindings, ip)));
    }
    expect(wait.mock.calls.every(([ms]) => Number(ms) <= 1000)).toBe(true);
    const times = puts.filter(({ key }) => key.startsWith("rate:")).map(({ at }) => at);
    expect(times.length).toBeGreaterThan(1);
    for (const [i, time] of times.slice(1).entries()) {
      expect(time - (times[i] ?? 0)).toBeGreaterThanOrEqual(1000);
    }
    const answer = await logIn(isolate({ RATE_LIMIT_AUTH: "50/60" }), ip);
    expect(answer.headers.get("RateLimit")).toMatch(/^"auth";r=25;/);
  });

  it("is not written to for a caller who is over the limit", async () => {
    const { pass } = stopClock();
    const ip = newAddress();
    const { bindings, puts } = watchedIsolate(AUTH);
    await statuses(5, bindings, ip);
    const before = puts.length;
    for (let i = 0; i < 10; i += 1) {
      pass(1500);
      expect(await statuses(1, bindings, ip)).toEqual([429]);
    }
    expect(puts).toHaveLength(before);
  });

  it("is asked at most once a second for a key, and by a read only behind its response", async () => {
    stopClock();
    const ip = newAddress();
    const { bindings, gets } = watchedIsolate({ RATE_LIMIT_READ: "1000/3600" });
    for (let i = 0; i < 10; i += 1) {
      const answer = await send("/v1/users", { bindings, ip });
      expect(answer.headers.get("Server-Timing")).toContain("reads=0");
    }
    expect(gets.length).toBeGreaterThan(1);
    for (const [i, { at }] of gets.slice(1).entries()) {
      expect(at - (gets[i]?.at ?? 0)).toBeGreaterThanOrEqual(1000);
    }
  });

  it("holds no address and no name in its keys, and no key of it outlives its window by much", async () => {
    stopClock();
    const addresses = ["203.0.113.99", "2001:db8:99:1::99"];
    const { token, username } = await createTestUser();
    const bindings = isolate(LIMITS);
    for (const ip of addresses) {
      await logIn(bindings, ip);
      await send("/v1/auth/refresh", { body: { refresh_token: "rrt_x" }, bindings, ip });
      await send("/v1/users", { bindings, ip });
    }
    await send("/v1/auth/me", { token, bindings });
    const keys = await rateKeys();
    const names = keys.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(6);
    for (const name of names) {
      expect(name).toMatch(
        /^rate:(auth|refresh|read|write):(user:[\da-f-]{36}|address:[\w-]{22})$/,
      );
    }
    expect(names.join()).not.toMatch(/203|2001|db8/);
    expect(names.join()).not.toContain(username);
    for (const { expiration } of keys) expect(expiration).toBeGreaterThan(0);
  });
});

describe("a KV that fails", () => {
  const broken = () => ({ ...faultyBindings({ kvGet: always, kvPut: always }), ...LIMITS });

  it.each([
    ["login", "/v1/auth/login", { username: "ada", password: "wrong password" }],
    ["register", "/v1/auth/register", {}],
    ["refresh", "/v1/auth/refresh", { refresh_token: "rrt_x" }],
    ["password/forgot", "/v1/auth/password/forgot", { email: "ada@example.com" }],
    ["password/reset", "/v1/auth/password/reset", { token: "rot_x", password: "x" }],
    ["email/verify", "/v1/auth/email/verify", { token: "rot_x" }],
  ])("closes %s: 503 with Retry-After, before D1 is asked, and logged", async (_, path, body) => {
    const logs = catchLogs();
    const answer = await send(path, { body, bindings: broken(), ip: newAddress() });
    expectProblem(answer, 503, "service_unavailable");
    expect(answer.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
    expect(answer.headers.get("Server-Timing")).toContain("queries=0");
    expect(logs.of("rate_limit.store_failed")).toHaveLength(1);
  });

  it("leaves reads and writes open, counted in the isolate", async () => {
    const { token } = await createTestUser();
    const bindings = { ...broken(), RATE_LIMIT_READ: "3/60", RATE_LIMIT_WRITE: "2/60" };
    stopClock();
    const all = async (count: number, options: RequestOptions) => {
      const seen: number[] = [];
      for (let i = 0; i < count; i += 1) {
        seen.push((await send("/v1/users/me", { token, bindings, ...options })).status);
      }
      return seen;
    };
    expect(await all(4, {})).toEqual([200, 200, 200, 429]);
    expect(await all(3, { method: "PATCH", body: {} })).toEqual([200, 200, 429]);
  });

  it("on writing alone refuses nobody, and is logged without the caller", async () => {
    stopClock();
    const ip = newAddress();
    const logs = catchLogs();
    const bindings = { ...faultyBindings({ kvPut: always }), ...AUTH };
    expect(await statuses(6, bindings, ip)).toEqual([401, 401, 401, 401, 401, 429]);
    expect(logs.of("rate_limit.write_failed").length).toBeGreaterThan(0);
    expect(logs.text()).not.toContain(ip);
  });
});
