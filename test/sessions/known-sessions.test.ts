import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlRun, type TestUser } from "../support/fixtures.ts";
import { currentIsolate, isolate, staleKv, watchedIsolate } from "../support/isolates.ts";
import { catchLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const readOwn = (token: string, bindings = currentIsolate()) =>
  send("/v1/users/me", { token, bindings });
const logOut = (token: string, bindings = currentIsolate()) =>
  send("/v1/auth/logout", { method: "POST", token, bindings });

async function keyOf({ token }: TestUser): Promise<string> {
  const { body } = await send("/v1/auth/me", { token });
  return `session:${body.session.id}`;
}

const inKv = (key: string) => env.KV.get<Record<string, unknown>>(key, "json");

/** Bindings whose D1 has answered once when something else happens, before the answer arrives. */
function afterFirstAnswer(action: (bindings: Cloudflare.Env) => Promise<unknown>): Cloudflare.Env {
  const originals = new WeakMap<object, D1PreparedStatement>();
  let hasHappened = false;
  const followed = async <T>(work: () => Promise<T>): Promise<T> => {
    const isFirst = !hasHappened;
    hasHappened = true;
    const answer = await work();
    if (isFirst) await action(bindings);
    return answer;
  };
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: () => followed(() => statement.all()),
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, statement);
    return wrapped;
  };
  const DB = {
    prepare: (query: string) => wrap(env.DB.prepare(query)),
    batch: (statements: D1PreparedStatement[]) =>
      followed(() => env.DB.batch(statements.map((s) => originals.get(s) ?? s))),
  } as unknown as D1Database;
  const bindings = { ...env, DB };
  return bindings;
}

describe("what is known of a session", () => {
  it("is asked of KV once, and not again in this isolate within 5 seconds", async () => {
    const { at } = stopClock();
    const { token } = await createTestUser();
    const { bindings, gets } = watchedIsolate();
    const first = await readOwn(token, bindings);
    expect(costOf(first)).toMatchObject({ queries: 1, kvReads: 1 });
    for (const ms of [1, 1000, 2000, 4999]) {
      at(ms);
      expect(costOf(await readOwn(token, bindings))).toMatchObject({ queries: 1, kvReads: 0 });
    }
    expect(gets).toHaveLength(1);
  });

  it("is asked of KV again after 5 seconds, however busy the isolate is", async () => {
    const { at } = stopClock();
    const { token } = await createTestUser();
    const { bindings, gets } = watchedIsolate();
    for (let second = 0; second <= 20; second += 1) {
      at(second * 1000);
      await readOwn(token, bindings);
    }
    expect(gets.map(({ at: time }) => time)).toHaveLength(5);
  });

  it("is asked of D1 once a minute, when what KV holds has grown old, and KV is told", async () => {
    const { start, at } = stopClock();
    const user = await createTestUser();
    const key = await keyOf(user);
    const { bindings } = watchedIsolate();
    await readOwn(user.token, bindings);
    at(60_000);
    const answer = await readOwn(user.token, bindings);
    expect(costOf(answer)).toMatchObject({ queries: 2, kvReads: 1, kvWrites: 1 });
    expect(await inKv(key)).toMatchObject({ checkedAt: start + 60_000 });
  });

  it("costs one KV read a request at most, and writes none at all", async () => {
    const { token, id } = await createTestUser("admin");
    const paths = [
      "/v1/users/me",
      "/v1/auth/me",
      "/v1/auth/sessions",
      "/v1/users",
      `/v1/users/${id}`,
    ];
    for (const path of paths) {
      const { kvReads } = costOf(await send(path, { token, bindings: isolate() }));
      expect(kvReads).toBeLessThanOrEqual(1);
    }
    const write = { method: "PATCH", token, body: { first_name: "Ada" }, bindings: isolate() };
    expect(costOf(await send("/v1/users/me", write))).toMatchObject({ kvReads: 0, kvWrites: 0 });
  });

  it("that is missing in KV is taken from D1, and KV has it again", async () => {
    const user = await createTestUser();
    const key = await keyOf(user);
    await env.KV.delete(key);
    const answer = await readOwn(user.token, isolate());
    expect(answer.status).toBe(200);
    expect(costOf(answer)).toMatchObject({ queries: 2, kvReads: 1, kvWrites: 1 });
    expect(await inKv(key)).toMatchObject({ hasEnded: false, principal: { userId: user.id } });
    expect(costOf(await readOwn(user.token, isolate()))).toMatchObject({ queries: 1, kvWrites: 0 });
  });

  it("holds no name, no address and no token in KV", async () => {
    const user = await createTestUser();
    const text = JSON.stringify(await inKv(await keyOf(user)));
    for (const secret of [user.username, user.email, user.token, user.refreshToken, "203.0.113"]) {
      expect(text).not.toContain(secret);
    }
  });
});

describe("a session that has ended", () => {
  it("is a tombstone in KV for as long as an access token of it may come, and nothing restores it", async () => {
    const { start, at } = stopClock();
    const user = await createTestUser();
    const key = await keyOf(user);
    await logOut(user.token);
    for (const second of [0, 6, 30, 59, 61, 300, 899]) {
      at(second * 1000);
      const answer = await readOwn(user.token, isolate());
      expectProblem(answer, 401, "unauthenticated");
      expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 1, kvWrites: 0 });
      expect(await inKv(key)).toEqual({ principal: null, hasEnded: true, checkedAt: start });
    }
    const { keys } = await env.KV.list({ prefix: key });
    expect(keys[0]?.expiration).toBeGreaterThan(0);
  });

  it("stays ended in the isolate that ended it while KV still answers what it was", async () => {
    const { at } = stopClock();
    const { token } = await createTestUser();
    const bindings = { ...env, KV: staleKv(1000) };
    expect((await readOwn(token, bindings)).status).toBe(200);
    await logOut(token, bindings);
    for (const second of [0, 4, 6, 12, 30, 59, 60, 70]) {
      at(second * 1000);
      expectProblem(await readOwn(token, bindings), 401, "unauthenticated");
    }
  });

  it("is not made live again by a reader whom D1 had answered just before", async () => {
    const user = await createTestUser();
    const key = await keyOf(user);
    await env.KV.delete(key);
    const bindings = afterFirstAnswer((same) => logOut(user.token, same));
    await readOwn(user.token, bindings);
    expect(await inKv(key)).toMatchObject({ principal: null, hasEnded: true });
    expectProblem(await readOwn(user.token, bindings), 401, "unauthenticated");
    expectProblem(await readOwn(user.token, isolate()), 401, "unauthenticated");
  });

  it("is refused by D1 when KV has lost its tombstone, and none is made live by that", async () => {
    const user = await createTestUser();
    const key = await keyOf(user);
    await logOut(user.token);
    await env.KV.delete(key);
    const answer = await readOwn(user.token, isolate());
    expectProblem(answer, 401, "unauthenticated");
    expect(costOf(answer).queries).toBe(1);
    expect(await inKv(key)).toMatchObject({ principal: null });
  });

  it.each([1, 3, 10])(
    "is refused within a minute where KV is behind by %i reads",
    async (reads) => {
      const { start, at } = stopClock();
      const { token } = await createTestUser();
      const bindings = { ...env, KV: staleKv(reads) };
      await readOwn(token, bindings);
      await logOut(token);
      const write = { method: "PATCH", token, body: {}, bindings };
      expectProblem(await send("/v1/users/me", write), 401, "unauthenticated");
      for (let second = 6; second < 60; second += 6) {
        at(second * 1000);
        await readOwn(token, bindings);
      }
      at(60_000);
      expect(Date.now() - start).toBe(60_000);
      expectProblem(await readOwn(token, bindings), 401, "unauthenticated");
    },
  );
});

describe("a KV that fails", () => {
  it("with 5xx on reading leaves each question to D1, which refuses an ended session at once", async () => {
    const { token } = await createTestUser();
    const logs = catchLogs();
    const failing = () => faultyBindings({ kvGet: always });
    expect((await readOwn(token, failing())).status).toBe(200);
    expect(logs.of("kv.credential_read_failed")).toHaveLength(1);
    await logOut(token);
    expectProblem(await readOwn(token, failing()), 401, "unauthenticated");
  });

  it("with 429 on writing an end is logged, and the end still reaches everyone within a minute", async () => {
    const { at } = stopClock();
    const { token, refreshToken } = await createTestUser();
    await readOwn(token, env);
    const logs = catchLogs();
    const failing = faultyBindings({ kvPut: always });
    expect((await logOut(token, failing)).status).toBe(204);
    expect(logs.of("kv.credential_write_failed")).toHaveLength(1);
    const refresh = { body: { refresh_token: refreshToken } };
    expectProblem(await send("/v1/auth/refresh", refresh), 401, "invalid_refresh_token");
    expectProblem(await logOut(token, isolate()), 401, "unauthenticated");
    at(60_000);
    expectProblem(await readOwn(token, isolate()), 401, "unauthenticated");
  });

  it("that answers rubbish of the right shape but old is not believed", async () => {
    const user = await createTestUser();
    const key = await keyOf(user);
    const state = await inKv(key);
    await sqlRun("UPDATE sessions SET revoked_at = 1 WHERE user_id = ?", user.id);
    await env.KV.put(key, JSON.stringify({ ...state, checkedAt: Date.now() - 60_001 }));
    expectProblem(await readOwn(user.token, isolate()), 401, "unauthenticated");
  });
});
