import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createHolder, setRole } from "../support/credentials.ts";
import { beforeEachStatement } from "../support/d1.ts";
import { createTestUser, newRole, sqlRun } from "../support/fixtures.ts";
import {
  INACTIVE,
  readKv,
  secondsLeftInKv,
  sessionKey,
  useIntrospector,
} from "../support/introspection.ts";
import { createIsolate, warm } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";

const MINUTE = 60_000;

const ask = useIntrospector();

/** Changes the permissions of the role of a user. */
async function changeRole({ role }: { role: string }, permissions: readonly string[]) {
  const admin = await createTestUser("admin");
  const body = { description: "Changed", permissions };
  const answer = await send(`/v1/roles/${role}`, { method: "PUT", body, token: admin.token });
  expect(answer.status).toBe(200);
}

/** Refreshes, and returns the new tokens and what it cost. */
async function refreshed(refreshToken: string) {
  const answer = await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
  expect(answer.status).toBe(200);
  const { access_token: token, refresh_token: next } = answer.body;
  return { token, refreshToken: next, kvWrites: costOf(answer).kvWrites };
}

/** Someone whose role got other permissions after they logged in, and the record of that login. */
async function createChangedUser() {
  const role = await newRole(["users:read"]);
  const user = await createTestUser(role);
  const key = await sessionKey(user);
  const old = await readKv(key);
  await changeRole({ role }, ["users:create"]);
  return { user, key, old };
}

describe("the KV record of a session", () => {
  it("is written at login, and contains no email, IP address or key", async () => {
    const user = await createHolder("users:read");
    expect(await readKv(await sessionKey(user))).toEqual({
      ended: false,
      user_id: user.id,
      username: user.username,
      role: expect.any(String),
      permissions: ["users:read"],
      recorded_at: expect.any(Number),
      expires_at: expect.any(Number),
    });
  });

  it("is written at login and refresh: once a day of the session, and outlives the tokens of that day", async () => {
    const { at } = stopClock();
    const user = await createTestUser(await newRole());
    const key = await sessionKey(user);
    let { refreshToken } = user;
    const written: number[] = [];
    for (const minute of [40, 80, 300, 1439, 1441, 1455, 2879, 2880]) {
      at(minute * MINUTE);
      const answer = await refreshed(refreshToken);
      if (answer.kvWrites > 0) written.push(minute);
      refreshToken = answer.refreshToken;
      const expiresAt = Number((await readKv(key))?.expires_at);
      expect(expiresAt).toBeGreaterThanOrEqual(Date.now() + 15 * MINUTE);
    }
    // The account is new at the first.
    expect(written).toEqual([40, 1441, 2880]);
    expect(await secondsLeftInKv(key)).toBeGreaterThan(24 * 3600);
  });

  it("is written by the refreshes after a change of the role or the user, until the next is sure to have been written", async () => {
    const { at } = stopClock();
    const role = await newRole(["users:read"]);
    const user = await createTestUser(role);
    const key = await sessionKey(user);
    let { refreshToken } = user;
    const refreshAt = async (minute: number) => {
      at(minute * MINUTE);
      const answer = await refreshed(refreshToken);
      refreshToken = answer.refreshToken;
      return answer.kvWrites;
    };
    await refreshAt(40);
    await changeRole({ role }, ["users:create"]);
    expect(await refreshAt(69)).toBe(1);
    expect(await readKv(key)).toMatchObject({ permissions: ["users:create"] });
    expect(await refreshAt(80)).toBe(1);
    expect(await refreshAt(90)).toBe(0);
    const admin = await createTestUser("admin");
    const renaming = { method: "PATCH", body: { username: `new-${user.username}` } };
    const renamed = await send(`/v1/users/${user.id}`, { ...renaming, token: admin.token });
    expect(renamed.status).toBe(200);
    expect(await refreshAt(104)).toBe(1);
    expect(await readKv(key)).toMatchObject({ username: `new-${user.username}` });
    expect(await refreshAt(119)).toBe(1);
    expect(await refreshAt(134)).toBe(1);
    expect(await refreshAt(149)).toBe(0);
  });

  it("of an earlier release is used, and is not believed about a token with other permissions", async () => {
    const user = await createHolder("users:read");
    const key = await sessionKey(user);
    const { recorded_at: _, ...record } = (await readKv(key)) ?? {};
    await env.KV.put(key, JSON.stringify(record));
    await ask("nonsense");
    expect(costOf(await ask(user.token))).toMatchObject({ queries: 0, kvReads: 1 });
    await env.KV.put(key, JSON.stringify({ ...record, permissions: ["users:create"] }));
    const answer = await ask(user.token);
    expect(answer.body).toMatchObject({ active: true, scope: "users:read" });
    expect(costOf(answer)).toMatchObject({ queries: 1 });
  });

  it("is not believed about a token with other permissions from the same second", async () => {
    const { at } = stopClock();
    const { user, key, old } = await createChangedUser();
    at(800);
    const { token } = await refreshed(user.refreshToken);
    await env.KV.put(key, JSON.stringify({ ...old, recorded_at: Date.now() - 300 }));
    expect((await ask(token)).body).toMatchObject({ active: true, scope: "users:create" });
  });

  it("is not believed about a newer token with other permissions, and is replaced", async () => {
    const { at } = stopClock();
    const { user, key, old } = await createChangedUser();
    at(20 * MINUTE);
    const { token } = await refreshed(user.refreshToken);
    await env.KV.put(key, JSON.stringify(old));
    await ask("nonsense");
    const first = await ask(token);
    expect(first.body).toMatchObject({ active: true, scope: "users:create" });
    expect(costOf(first)).toMatchObject({ queries: 1, kvReads: 1 });
    const second = await ask(token);
    expect(second.body).toMatchObject({ active: true, scope: "users:create" });
    expect(costOf(second)).toMatchObject({ queries: 0, kvReads: 1 });
  });

  it("is not believed about a newer token with another role", async () => {
    const { at } = stopClock();
    const user = await createTestUser(await newRole());
    const other = await newRole();
    at(20 * MINUTE);
    const { refreshToken } = await refreshed(user.refreshToken);
    await setRole(user, other);
    at(40 * MINUTE);
    const { token } = await refreshed(refreshToken);
    expect((await ask(token)).body).toMatchObject({ active: true, role: other });
  });

  it("is believed about an older token, which gets the current permissions", async () => {
    const { at } = stopClock();
    const { user } = await createChangedUser();
    at(5 * MINUTE);
    await refreshed(user.refreshToken);
    await ask("nonsense");
    const answer = await ask(user.token);
    expect(answer.body).toMatchObject({ active: true, scope: "users:create" });
    expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 1 });
  });

  it("is not used after its time", async () => {
    const { at } = stopClock();
    const user = await createTestUser();
    const key = await sessionKey(user);
    const record = await readKv(key);
    await env.KV.put(key, JSON.stringify({ ...record, expires_at: Date.now() + MINUTE }));
    await ask("nonsense");
    expect(costOf(await ask(user.token))).toMatchObject({ queries: 0 });
    at(MINUTE);
    await ask("nonsense");
    expect(costOf(await ask(user.token))).toMatchObject({ queries: 1 });
  });

  it("is read from D1 and restored if missing", async () => {
    const user = await createTestUser();
    const key = await sessionKey(user);
    await env.KV.delete(key);
    const bindings = createIsolate();
    await ask("nonsense", { bindings });
    const first = await ask(user.token, { bindings });
    expect(first.body).toMatchObject({ active: true, sub: user.id, username: user.username });
    expect(costOf(first)).toMatchObject({ queries: 1, kvReads: 1 });
    expect(costOf(await ask(user.token, { bindings }))).toMatchObject({ queries: 0, kvReads: 1 });
    expect(await secondsLeftInKv(key)).toBeGreaterThan(24 * 3600);
  });

  it("is written once a minute per isolate while KV does not show it yet", async () => {
    const { at } = stopClock();
    const user = await createTestUser();
    const key = await sessionKey(user);
    const written: string[] = [];
    const KV = {
      get: async (name: string) => (name === key ? null : env.KV.get(name)),
      put: async (name: string) => void written.push(name),
    } as unknown as KVNamespace;
    const bindings = warm({ ...env, KV });
    for (const second of [0, 1, 59]) {
      at(second * 1000);
      expect((await ask(user.token, { bindings })).body).toMatchObject({ active: true });
    }
    expect(written).toEqual([key]);
    at(MINUTE);
    await ask(user.token, { bindings });
    expect(written).toEqual([key, key]);
  });

  it("is confirmed even if KV did not answer its write", async () => {
    stopClock();
    const user = await createTestUser();
    const key = await sessionKey(user);
    const { body } = await send("/v1/auth/me", { token: user.token });
    await env.KV.delete(key);
    let writes = 0;
    const KV = {
      get: env.KV.get.bind(env.KV),
      put: async (...put: [string, string, KVNamespacePutOptions]) => {
        await env.KV.put(...put);
        writes += put[0] === key ? 1 : 0;
        if (put[0] !== key || writes > 1) return;
        const end = "UPDATE sessions SET revoked_at = ?, revoked_reason = 'ended' WHERE id = ?";
        await sqlRun(end, Date.now(), body.session.id);
        throw new Error("KV PUT failed: 500 Internal Server Error");
      },
    } as unknown as KVNamespace;
    await ask(user.token, { bindings: warm({ ...env, KV }) });
    expect(await readKv(key)).toEqual({ ended: true });
  });

  it("is not restored for an ended session, which stays inactive", async () => {
    const user = await createTestUser();
    const key = await sessionKey(user);
    await send("/v1/auth/logout", { method: "POST", token: user.token });
    await env.KV.delete(key);
    expect((await ask(user.token, { bindings: createIsolate() })).body).toEqual(INACTIVE);
    expect(await readKv(key)).toBeNull();
  });

  it("says that the session has ended if it ended while the record was restored", async () => {
    stopClock();
    const user = await createTestUser();
    const key = await sessionKey(user);
    await env.KV.delete(key);
    const { body } = await send("/v1/auth/me", { token: user.token });
    // After D1 was read, and before the record is written. No record of the end arrives.
    const KV = {
      get: env.KV.get.bind(env.KV),
      put: async (...put: [string, string, KVNamespacePutOptions]) => {
        const end = "UPDATE sessions SET revoked_at = ?, revoked_reason = 'ended' WHERE id = ?";
        if (put[0] === key) await sqlRun(end, Date.now(), body.session.id);
        await env.KV.put(...put);
      },
    } as unknown as KVNamespace;
    const bindings = warm({ ...env, KV });
    expect((await ask(user.token, { bindings })).body.active).toBe(true);
    expect(await readKv(key)).toEqual({ ended: true });
    expect((await ask(user.token, { bindings: createIsolate() })).body).toEqual(INACTIVE);
  });

  it("expires within a minute if D1 cannot say whether the session ended while it was restored", async () => {
    stopClock();
    const user = await createTestUser();
    const key = await sessionKey(user);
    await env.KV.delete(key);
    const logs = captureLogs();
    let reads = 0;
    const isSecond = async () => {
      reads += 1;
      if (reads === 2) throw new Error("D1_ERROR: Network connection lost.");
    };
    const bindings = warm(beforeEachStatement(/from "sessions"/, isSecond));
    expect((await ask(user.token, { bindings })).body.active).toBe(true);
    expect(logs.of("session.cache_confirm_failed")).toHaveLength(1);
    const record = await readKv(key);
    expect(record).toMatchObject({ ended: false });
    expect(Number(record?.expires_at)).toBeLessThanOrEqual(Date.now() + MINUTE);
  });
});
