import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { newAccount } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";

const AUTH = { RATE_LIMIT_AUTH: "5/60" };

let lastAddress = 0;
function newAddress(): string {
  lastAddress += 1;
  return `198.51.100.${lastAddress}`;
}

function caller(bindings = createIsolate(AUTH), ip = newAddress()) {
  return {
    ip,
    bindings,
    logIn: (overrides = {}) =>
      send("/v1/auth/login", {
        body: { username: crypto.randomUUID(), password: "wrong password" },
        ip,
        bindings,
        ...overrides,
      }),
  };
}

type Caller = ReturnType<typeof caller>;

async function statusesOfLogins(count: number, { logIn }: Caller): Promise<number[]> {
  const statuses: number[] = [];
  for (let i = 0; i < count; i += 1) statuses.push((await logIn()).status);
  return statuses;
}

describe("the auth policy", () => {
  it("accepts 5 logins per minute and refuses the 6th, with RateLimit fields", async () => {
    const { at } = stopClock();
    const { logIn } = caller();
    for (const [index, second] of [0, 2, 4, 6, 8].entries()) {
      at(second * 1000);
      const answer = await logIn();
      expect(answer.status).toBe(401);
      expect(answer.headers.get("RateLimit-Policy")).toBe('"auth";q=5;w=60');
      expect(answer.headers.get("RateLimit")).toBe(`"auth";r=${4 - index};t=${60 - second}`);
      expect(answer.headers.get("Retry-After")).toBeNull();
    }
    at(18_000);
    const refused = await logIn();
    expectProblem(refused, 429, "rate_limited");
    expect(refused.headers.get("RateLimit-Policy")).toBe('"auth";q=5;w=60');
    expect(refused.headers.get("RateLimit")).toBe('"auth";r=0;t=42');
    expect(refused.headers.get("Retry-After")).toBe("42");
  });

  it("slides: after Retry-After, one more request is accepted, not a whole new limit", async () => {
    const { at } = stopClock();
    const me = caller();
    for (const second of [0, 10, 20, 30, 40]) {
      at(second * 1000);
      expect(await statusesOfLogins(1, me)).toEqual([401]);
    }
    at(50_000);
    const refused = await me.logIn();
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "10"]);
    at(59_000);
    expect(await statusesOfLogins(1, me)).toEqual([429]);
    at(60_000);
    expect(await statusesOfLogins(2, me)).toEqual([401, 429]);
    at(70_000);
    expect(await statusesOfLogins(2, me)).toEqual([401, 429]);
  });

  it("is not extended by refused requests", async () => {
    const { at } = stopClock();
    const me = caller();
    await statusesOfLogins(5, me);
    at(59_000);
    expect(await statusesOfLogins(20, me)).toEqual(Array(20).fill(429));
    at(120_000);
    expect(await statusesOfLogins(5, me)).toEqual(Array(5).fill(401));
  });

  it("accepts exactly 5 of 20 concurrent requests in one isolate", async () => {
    stopClock();
    const { logIn } = caller();
    const answers = await Promise.all(Array.from({ length: 20 }, () => logIn()));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(15);
  });

  it("counts registrations and logins together, whatever their outcome", async () => {
    stopClock();
    const { ip, bindings, logIn } = caller();
    const register = (body: unknown) => send("/v1/auth/register", { body, ip, bindings });
    expect((await register(newAccount())).status).toBe(201);
    expect((await register({})).status).toBe(422);
    expect((await send("/v1/auth/login", { raw: "{", ip, bindings })).status).toBe(415);
    expect((await logIn()).status).toBe(401);
    expect((await logIn({ body: {} })).status).toBe(422);
    expectProblem(await logIn(), 429, "rate_limited");
    expectProblem(await register(newAccount()), 429, "rate_limited");
  });

  it("refuses before reading the body and before any D1 query", async () => {
    stopClock();
    const me = caller();
    await statusesOfLogins(5, me);
    const refused = await me.logIn({ body: undefined, raw: "{ not json" });
    expectProblem(refused, 429, "rate_limited");
    expect(refused.headers.get("Server-Timing")).toContain("queries=0");
  });

  it("counts each IPv4 address separately", async () => {
    stopClock();
    const bindings = createIsolate(AUTH);
    await statusesOfLogins(5, caller(bindings, "192.0.2.1"));
    expect(await statusesOfLogins(1, caller(bindings, "192.0.2.1"))).toEqual([429]);
    expect(await statusesOfLogins(1, caller(bindings, "192.0.2.2"))).toEqual([401]);
  });

  it("counts the addresses of an IPv6 /64 as one, separately from the next /64", async () => {
    stopClock();
    const bindings = createIsolate(AUTH);
    const from = (ip: string) => statusesOfLogins(1, caller(bindings, ip));
    for (const host of ["::1", "::2", ":3:4:5:6", "::ffff", ":ffff:ffff:ffff:ffff"]) {
      expect(await from(`2001:db8:7:1${host}`)).toEqual([401]);
    }
    expect(await from("2001:DB8:7:1::beef")).toEqual([429]);
    expect(await from("2001:db8:7:2::1")).toEqual([401]);
  });

  it.each(["X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IPv6"])(
    "identifies the caller by CF-Connecting-IP and not by %s",
    async (header) => {
      stopClock();
      const { logIn } = caller();
      const statuses: number[] = [];
      for (let i = 0; i < 6; i += 1) {
        statuses.push((await logIn({ headers: { [header]: `192.0.2.${i}` } })).status);
      }
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    },
  );

  it("set to 0 is disabled: no counting, no KV access and no RateLimit fields", async () => {
    const me = caller(createIsolate({ RATE_LIMIT_AUTH: "0" }));
    expect(await statusesOfLogins(8, me)).toEqual(Array(8).fill(401));
    const answer = await me.logIn();
    expect(answer.headers.get("RateLimit")).toBeNull();
    expect(answer.headers.get("RateLimit-Policy")).toBeNull();
    expect(answer.headers.get("Server-Timing")).toContain("reads=0");
  });
});
