import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type RequestOptions, send, start } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIsolate, createStaleKv, createWatchedIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

/** Limits so low that counts are shared through KV from the first request: a fifth of 5 is 1. */
const AUTH = { RATE_LIMIT_AUTH: "5/60" };
const LIMITS = {
  RATE_LIMIT_AUTH: "5/60",
  RATE_LIMIT_REFRESH: "5/60",
  RATE_LIMIT_READ: "5/3600",
  RATE_LIMIT_WRITE: "5/3600",
};

let lastAddress = 0;
function newAddress(): string {
  lastAddress += 1;
  return `198.51.100.${lastAddress}`;
}

const attempt = () => ({ body: { username: crypto.randomUUID(), password: "wrong password" } });

const logIn = (bindings: Cloudflare.Env, ip: string) =>
  send("/v1/auth/login", { ...attempt(), bindings, ip });

async function statuses(count: number, bindings: Cloudflare.Env, ip: string): Promise<number[]> {
  const seen: number[] = [];
  for (let i = 0; i < count; i += 1) seen.push((await logIn(bindings, ip)).status);
  return seen;
}

const rateKeys = async () => (await env.KV.list({ prefix: "rate:" })).keys;

describe("another isolate", () => {
  it("reads the counts of the first isolate, including its last request, from a fifth of the limit", async () => {
    stopClock();
    const ip = newAddress();
    expect(await statuses(6, createIsolate(AUTH), ip)).toEqual([401, 401, 401, 401, 401, 429]);
    expect(await statuses(2, createIsolate(AUTH), ip)).toEqual([401, 429]);
  });

  it("adds its own count, and shares it", async () => {
    const { pass } = stopClock();
    const ip = newAddress();
    const [one, other] = [createIsolate(AUTH), createIsolate(AUTH)];
    expect(await statuses(2, one, ip)).toEqual([401, 401]);
    expect(await statuses(2, other, ip)).toEqual([401, 401]);
    pass(2000);
    expect(await statuses(2, one, ip)).toEqual([401, 429]);
    pass(2000);
    expect(await statuses(1, other, ip)).toEqual([429]);
  });

  it("that reads stale KV values still counts its own requests exactly", async () => {
    stopClock();
    const ip = newAddress();
    const bindings = { ...createIsolate(AUTH), KV: createStaleKv(100) };
    expect(await statuses(7, bindings, ip)).toEqual([401, 401, 401, 401, 401, 429, 429]);
  });
});

describe("KV", () => {
  it.each([
    ["login", "/v1/auth/login", { body: { username: "nobody", password: "wrong password" } }],
    ["refresh", "/v1/auth/refresh", { body: { refresh_token: "rrt_x" } }],
    ["read", "/v1/users", {}],
    ["write", "/v1/users", { body: {} }],
  ])("is neither read nor written below a fifth of the limit: %s", async (_, path, options) => {
    const { at } = stopClock();
    const ip = newAddress();
    const limit = "50/60";
    const { bindings, gets, puts } = createWatchedIsolate({
      RATE_LIMIT_AUTH: limit,
      RATE_LIMIT_REFRESH: limit,
      RATE_LIMIT_READ: limit,
      RATE_LIMIT_WRITE: limit,
    });
    for (let second = 0; second < 9; second += 1) {
      at(second * 1000);
      await send(path, { ...options, bindings, ip });
    }
    expect([gets, puts]).toEqual([[], []]);
    await send(path, { ...options, bindings, ip });
    expect(gets).toHaveLength(1);
    expect(puts).toHaveLength(1);
    // The oldest counts leave the window: the caller is below a fifth again.
    at(67_000);
    await send(path, { ...options, bindings, ip });
    expect(gets).toHaveLength(1);
    expect(puts).toHaveLength(1);
  });

  it("is written at most once per second per key, and eventually contains every count", async () => {
    const { waits } = stopClock();
    const ip = newAddress();
    const settings = { RATE_LIMIT_AUTH: "50/60" };
    const { bindings, puts } = createWatchedIsolate(settings);
    for (const atOnce of [8, 8, 1, 1, 1]) {
      await Promise.all(Array.from({ length: atOnce }, () => logIn(bindings, ip)));
    }
    expect(waits().every((ms) => ms <= 1000)).toBe(true);
    const times = puts.filter(({ key }) => key.startsWith("rate:")).map(({ at }) => at);
    expect(times.length).toBeGreaterThan(2);
    for (const [i, time] of times.slice(1).entries()) {
      expect(time - (times[i] ?? 0)).toBeGreaterThanOrEqual(1000);
    }
    const other = createIsolate(settings);
    await statuses(10, other, ip);
    const answer = await logIn(other, ip);
    expect(answer.headers.get("RateLimit")).toMatch(/^"auth";r=20;/);
  });

  it("is not written again by a write that has waited, if the one before has stored its count", async () => {
    const { wait } = stopClock();
    const waiting: (() => void)[] = [];
    wait.mockImplementation(async (ms) => {
      if (Number(ms) <= 1000) await new Promise<void>((resume) => waiting.push(resume));
    });
    const { bindings, puts } = createWatchedIsolate(AUTH);
    const options = { ...attempt(), bindings, ip: newAddress() };
    const requests = [
      await start("/v1/auth/login", options),
      await start("/v1/auth/login", options),
    ];
    expect(waiting).toHaveLength(2);
    for (const [i, { settled }] of requests.entries()) {
      waiting[i]?.();
      await settled;
    }
    expect(puts).toMatchObject([{ key: expect.stringMatching(/^rate:auth:/) }]);
  });

  it.each([
    ["an hour", "5/3600", 3600],
    ["a minute", "5/60", 60],
    ["less, because KV keeps nothing for less", "5/10", 60],
  ])("keeps the counts of a window of %s for the window", async (_, limit, ttlSeconds) => {
    stopClock();
    const { bindings, puts } = createWatchedIsolate({ RATE_LIMIT_AUTH: limit });
    await statuses(2, bindings, newAddress());
    expect(puts).not.toEqual([]);
    expect(new Set(puts.map((put) => put.ttlSeconds))).toEqual(new Set([ttlSeconds]));
  });

  it("keeps the counts of a rotated key for the rest of the window", async () => {
    stopClock();
    const { bindings, puts } = createWatchedIsolate(LIMITS);
    const owner = await createTestUser("moderator");
    const key = await createTestKey(owner, ["users:read"]);
    for (let i = 0; i < 3; i += 1) await sendWithKey(key, "/v1/users", { bindings });
    puts.length = 0;
    const rotation = { method: "POST", token: owner.token, bindings };
    expect((await send(`/v1/api-keys/${key.id}/rotate`, rotation)).status).toBe(200);
    const moved = puts.filter((put) => put.key.startsWith("rate:read:key:"));
    expect(moved).toMatchObject([{ ttlSeconds: 3600 }]);
  });

  it("is not written for a caller who is over the limit", async () => {
    const { pass } = stopClock();
    const ip = newAddress();
    const { bindings, puts } = createWatchedIsolate(AUTH);
    await statuses(5, bindings, ip);
    const before = puts.length;
    for (let i = 0; i < 10; i += 1) {
      pass(1500);
      expect(await statuses(1, bindings, ip)).toEqual([429]);
    }
    expect(puts).toHaveLength(before);
  });

  it("is read once within a second, and once more by the write scheduled for the next second", async () => {
    const { pass, wait } = stopClock();
    // The write scheduled for the next second runs immediately and does not advance the clock.
    wait.mockImplementation(async () => undefined);
    const ip = newAddress();
    const { bindings, gets } = createWatchedIsolate({ RATE_LIMIT_AUTH: "40/3600" });
    expect(new Set(await statuses(16, bindings, ip))).toEqual(new Set([401]));
    expect(gets).toHaveLength(2);
    pass(2500);
    expect(new Set(await statuses(1, bindings, ip))).toEqual(new Set([401]));
    expect(gets).toHaveLength(3);
    expect(new Set(await statuses(15, bindings, ip))).toEqual(new Set([401]));
    expect(gets).toHaveLength(4);
  });

  it("is read only after the response for the read policy", async () => {
    stopClock();
    const ip = newAddress();
    const { bindings, gets } = createWatchedIsolate({ RATE_LIMIT_READ: "20/3600" });
    for (let i = 0; i < 15; i += 1) {
      const answer = await send("/v1/users", { bindings, ip });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("Server-Timing")).toContain("reads=0");
    }
    expect(gets.length).toBeGreaterThan(1);
  });

  it("contains no address, name or secret in its keys, and every key expires", async () => {
    stopClock();
    const addresses = ["203.0.113.99", "2001:db8:99:1::99"];
    const { token, username, ...user } = await createTestUser("admin");
    const { key } = await createTestKey({ token, username, ...user }, ["users:read"]);
    for (const { name } of await rateKeys()) await env.KV.delete(name);
    const bindings = createIsolate(LIMITS);
    for (const ip of addresses) {
      await logIn(bindings, ip);
      await send("/v1/auth/refresh", { body: { refresh_token: "rrt_x" }, bindings, ip });
      await send("/v1/users", { bindings, ip });
    }
    await send("/v1/auth/me", { token, bindings });
    await send("/v1/users/me", { method: "PATCH", token, body: {}, bindings });
    await sendWithKey({ key }, "/v1/users", { bindings });
    const keys = await rateKeys();
    const names = keys.map(({ name }) => name);
    const kinds = names.map((name) =>
      name
        .replace(/:user:[\da-f-]{36}$/, " by user")
        .replace(/:key:[\w-]{32}$/, " by key")
        .replace(/:address:[\w-]{22}$/, " by address"),
    );
    expect(kinds.sort()).toEqual([
      "rate:auth by address",
      "rate:auth by address",
      "rate:read by address",
      "rate:read by address",
      "rate:read by key",
      "rate:read by user",
      "rate:refresh by address",
      "rate:refresh by address",
      "rate:write by user",
    ]);
    expect(names.join()).not.toMatch(/203\.|2001:|db8:/);
    expect(names.join()).not.toContain(username);
    for (const part of key.split("_")) expect(names.join()).not.toContain(part);
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
  ])(
    "refuses %s from a fifth of the limit: 503 with Retry-After, before any D1 query, and logged",
    async (_, path, body) => {
      const request = { body, bindings: broken(), ip: newAddress() };
      const below = await send(path, request);
      expect(below.status).toBeLessThan(500);
      const logs = captureLogs();
      const answer = await send(path, request);
      expectProblem(answer, 503, "service_unavailable");
      expect(answer.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
      expect(answer.headers.get("Server-Timing")).toContain("queries=0");
      expect(logs.of("rate_limit.store_failed")).toHaveLength(1);
    },
  );

  it("does not refuse reads and writes, which are counted in the isolate", async () => {
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

  it("only on writes refuses no request, and is logged without the caller", async () => {
    stopClock();
    const ip = newAddress();
    const logs = captureLogs();
    const bindings = { ...faultyBindings({ kvPut: always }), ...AUTH };
    expect(await statuses(6, bindings, ip)).toEqual([401, 401, 401, 401, 401, 429]);
    expect(logs.of("rate_limit.write_failed").length).toBeGreaterThan(0);
    expect(logs.text()).not.toContain(ip);
  });
});
