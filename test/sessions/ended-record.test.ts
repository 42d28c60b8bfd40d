import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { always, at as failsAt, faultyBindings } from "../support/faults.ts";
import { createTestUser, logIn, type TestUser } from "../support/fixtures.ts";
import {
  INACTIVE,
  readKv,
  secondsLeftInKv,
  sessionKey,
  useIntrospector,
} from "../support/introspection.ts";
import { createIsolate, createStaleKv } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";

const ask = useIntrospector();

const logOut = (token: string, bindings?: Cloudflare.Env) =>
  send("/v1/auth/logout", { method: "POST", token, ...(bindings && { bindings }) });

describe("the KV record of a session that ended", () => {
  it("remains as long as its access tokens could be valid", async () => {
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
  it("on reads falls back to D1, is logged, and is not written to", async () => {
    const user = await createTestUser();
    const logs = captureLogs();
    const written: string[] = [];
    const kvPut = (name: string) => {
      written.push(name);
      return false;
    };
    const bindings = faultyBindings({ kvGet: failsAt(/^session:/), kvPut });
    expect((await ask(user.token, { bindings })).body).toMatchObject({ active: true });
    expect(written).toEqual([]);
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
