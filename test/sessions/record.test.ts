import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { costOf, type RequestOptions, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createHolder, type TestKey } from "../support/credentials.ts";
import { afterStatement } from "../support/d1.ts";
import { always, at as failsAt, faultyBindings } from "../support/faults.ts";
import { createTestUser, logIn, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createIntrospector, INACTIVE, introspect } from "../support/introspection.ts";
import { createIsolate, createStaleKv } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";

let service: TestKey;

beforeAll(async () => {
  service = await createIntrospector();
});

const ask = (token: string, options: RequestOptions = {}) => introspect(service, token, options);

const logOut = (token: string, bindings?: Cloudflare.Env) =>
  send("/v1/auth/logout", { method: "POST", token, ...(bindings && { bindings }) });

async function sessionKey({ token }: { token: string }): Promise<string> {
  const { body } = await send("/v1/auth/me", { token });
  return `session:${body.session.id}`;
}

const readKv = (key: string) => env.KV.get<Record<string, unknown>>(key, "json");

async function secondsLeftInKv(key: string): Promise<number> {
  const { keys } = await env.KV.list({ prefix: key });
  return (keys[0]?.expiration ?? 0) - Math.floor(Date.now() / 1000);
}

describe("the KV record of a session", () => {
  it("is written at login and refresh, and contains no email, IP address or key", async () => {
    const user = await createHolder("users:read");
    const key = await sessionKey(user);
    const record = await readKv(key);
    expect(record).toEqual({
      ended: false,
      user_id: user.id,
      username: user.username,
      role: expect.any(String),
      permissions: ["users:read"],
      expires_at: expect.any(Number),
    });
    await sqlRun("UPDATE roles SET permissions = '[]' WHERE name = ?", String(record?.role));
    await send("/v1/auth/refresh", { body: { refresh_token: user.refreshToken } });
    expect(await readKv(key)).toMatchObject({ permissions: [] });
  });

  it("is read from D1 and restored for a minute if missing", async () => {
    const user = await createTestUser();
    const key = await sessionKey(user);
    await env.KV.delete(key);
    const bindings = createIsolate();
    await ask("nonsense", { bindings });
    const first = await ask(user.token, { bindings });
    expect(first.body).toMatchObject({ active: true, sub: user.id, username: user.username });
    expect(costOf(first)).toMatchObject({ queries: 1, kvReads: 1 });
    expect(costOf(await ask(user.token, { bindings }))).toMatchObject({ queries: 0, kvReads: 1 });
    expect(await secondsLeftInKv(key)).toBeLessThanOrEqual(60);
  });

  it("is not restored for an ended session, which stays inactive", async () => {
    const user = await createTestUser();
    const key = await sessionKey(user);
    await logOut(user.token);
    await env.KV.delete(key);
    expect((await ask(user.token, { bindings: createIsolate() })).body).toEqual(INACTIVE);
    expect(await readKv(key)).toBeNull();
  });

  it("expires within a minute if it was restored while the session ended", async () => {
    const user = await createTestUser();
    const key = await sessionKey(user);
    await env.KV.delete(key);
    const bindings = afterStatement(/from "sessions"/, async () => {
      await logOut(user.token, createIsolate());
    });
    await ask("nonsense", { bindings: { ...bindings, DB: env.DB } });
    await ask(user.token, { bindings });
    const hasEnded = (await readKv(key))?.ended === true;
    expect(hasEnded || (await secondsLeftInKv(key)) <= 60).toBe(true);
  });

  it("of an ended session remains as long as its access tokens could be valid", async () => {
    const user = await createTestUser();
    const key = await sessionKey(user);
    await logOut(user.token);
    expect(await readKv(key)).toEqual({ ended: true });
    const secondsLeft = await secondsLeftInKv(key);
    expect(secondsLeft).toBeGreaterThanOrEqual(899);
    expect(secondsLeft).toBeLessThanOrEqual(961);
  });
});

describe("an ended session", () => {
  it("is inactive in the isolate that ended it while KV is stale", async () => {
    const { at } = stopClock();
    const { token } = await createTestUser();
    const bindings = { ...createIsolate(), KV: createStaleKv(Number.POSITIVE_INFINITY) };
    expect((await ask(token, { bindings })).body.active).toBe(true);
    await logOut(token, bindings);
    for (const second of [0, 10, 30, 60, 90]) {
      at(second * 1000);
      expect((await ask(token, { bindings })).body).toEqual(INACTIVE);
    }
  });

  it("is eventually inactive if the record of a refresh arrives after the record of its end", async () => {
    stopClock();
    const user = await createTestUser();
    const key = await sessionKey(user);
    const late: (() => Promise<void>)[] = [];
    const slow = {
      ...createIsolate(),
      KV: {
        get: env.KV.get.bind(env.KV),
        put: async (...put: [string, string, KVNamespacePutOptions]) => {
          late.push(() => env.KV.put(...put));
        },
      } as unknown as KVNamespace,
    };
    const { body } = await send("/v1/auth/refresh", {
      body: { refresh_token: user.refreshToken },
      bindings: slow,
    });
    let puts = 0;
    const overtaken = {
      ...createIsolate(),
      KV: {
        get: env.KV.get.bind(env.KV),
        put: async (...put: [string, string, KVNamespacePutOptions]) => {
          await env.KV.put(...put);
          puts += 1;
          if (puts === 1) for (const arrive of late) await arrive();
        },
      } as unknown as KVNamespace,
    };
    expect((await logOut(body.access_token, overtaken)).status).toBe(204);
    expect(late).toHaveLength(1);
    expect(await readKv(key)).toEqual({ ended: true });
  });

  it("is written again if KV refuses the first write, which is logged", async () => {
    stopClock();
    const user = await createTestUser();
    const key = await sessionKey(user);
    const logs = captureLogs();
    let refused = 0;
    const busy = faultyBindings({
      kvPut: (name) => {
        refused += name === key ? 1 : 0;
        return name === key && refused === 1;
      },
    });
    expect((await logOut(user.token, busy)).status).toBe(204);
    expect(logs.of("session.cache_end_failed")).toHaveLength(1);
    expect(await readKv(key)).toEqual({ ended: true });
  });

  it("is inactive once it has expired", async () => {
    const { at } = stopClock();
    const { token } = await createTestUser();
    const hour = createIsolate({ ACCESS_TOKEN_TTL_SECONDS: "3600" });
    expect((await ask(token, { bindings: hour })).body.active).toBe(true);
    at(900_001);
    expect((await ask(token, { bindings: hour })).body).toEqual(INACTIVE);
  });
});

describe("a KV that fails", () => {
  it("on reads falls back to D1 and is logged", async () => {
    const user = await createTestUser();
    const logs = captureLogs();
    const bindings = faultyBindings({ kvGet: failsAt(/^session:/) });
    expect((await ask(user.token, { bindings })).body).toMatchObject({ active: true });
    expect(logs.of("session.cache_read_failed")).toHaveLength(1);
    await logOut(user.token);
    const other = faultyBindings({ kvGet: always });
    expect((await ask(user.token, { bindings: other })).body).toEqual(INACTIVE);
  });

  it("on writes does not fail a login or refresh", async () => {
    const user: TestUser = await createTestUser();
    const bindings = faultyBindings({ kvPut: always });
    const { token } = await logIn(user.username);
    const refresh = { body: { refresh_token: user.refreshToken }, bindings };
    expect((await send("/v1/auth/refresh", refresh)).status).toBe(200);
    expect((await ask(token, { bindings })).body.active).toBe(true);
  });
});
