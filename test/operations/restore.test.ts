import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import {
  byRecoveryCode,
  createStrictUser,
  createTotpUser,
  halfLogIn,
  verify,
} from "../support/factors.ts";
import {
  createTestUser,
  logIn,
  PASSWORD,
  sqlAll,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { isReplayed, keyed } from "../support/idempotency.ts";
import { createColdIsolate, warm } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { createPasskeyUser, loginOptions, sendAssertion } from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";
import { restoreSnapshot, takeSnapshot } from "../support/restore.ts";

const HOUR = 3_600_000;

/** Isolates that know of an epoch, by where it is stored. */
const PLACES: [string, (time: number) => Promise<Cloudflare.Env>][] = [
  [
    "REVOKED_BEFORE",
    async (time) => warm(createColdIsolate({ REVOKED_BEFORE: new Date(time).toISOString() })),
  ],
  [
    "the value in KV",
    async (time) => {
      await env.KV.put("revoked_before", JSON.stringify(new Date(time).toISOString()));
      return createColdIsolate();
    },
  ],
];

beforeEach(() => env.KV.delete("revoked_before"));

/** Reads the account of a user with an access token, refreshes, and asks whether the token is active. */
async function usesOf(user: { token: string; refreshToken: string }, bindings: Cloudflare.Env) {
  const service = await createTestKey(await createTestUser("admin"), ["tokens:introspect"]);
  const introspect = () =>
    sendWithKey(service, "/v1/auth/introspect", { body: { token: user.token }, bindings });
  const write = { method: "PATCH", token: user.token, body: {}, bindings };
  const refresh = { body: { refresh_token: user.refreshToken }, bindings };
  return {
    active: (await introspect()).body.active,
    read: (await send("/v1/users/me", { token: user.token, bindings })).status,
    write: (await send("/v1/users/me", write)).status,
    logout: (await send("/v1/auth/logout", { ...write, method: "POST" })).status,
    refresh: (await send("/v1/auth/refresh", refresh)).status,
  };
}

const NOTHING = { active: false, read: 401, write: 401, logout: 401, refresh: 401 };

describe.each(PLACES)("after a restore of the database, with %s", (_, isolateAfter) => {
  it("a session that had ended stays ended, and a new login works", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    const snapshot = await takeSnapshot();
    await send("/v1/auth/logout", { method: "POST", token: user.token });
    await restoreSnapshot(snapshot);
    clock.pass(1000);
    const revived = await send("/v1/users/me", {
      token: user.token,
      bindings: createColdIsolate(),
    });
    expect(revived.status).toBe(200);
    const bindings = await isolateAfter(Date.now());
    expect(await usesOf(user, bindings)).toEqual(NOTHING);
    const [row] = await sqlAll("SELECT generation FROM sessions WHERE user_id = ?", user.id);
    expect(row).toEqual({ generation: 1 });
    const fresh = await logIn(user.username);
    const list = await send("/v1/users/me/sessions", { token: fresh.token, bindings });
    expect(list.body.data).toHaveLength(1);
    expect(await usesOf(fresh, bindings)).toMatchObject({ active: true, read: 200, write: 200 });
  });

  it("a session that KV still has a record of is not active", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    clock.pass(1000);
    const bindings = await isolateAfter(Date.now());
    expect(await env.KV.list({ prefix: "session:" })).not.toMatchObject({ keys: [] });
    expect(await usesOf(user, bindings)).toEqual(NOTHING);
  });

  it("the secret of a key that was rotated or revoked is void, and a new one works", async () => {
    const clock = stopClock();
    const owner = await createTestUser();
    const [rotated, revoked] = [
      await createTestKey(owner, ["me:read"]),
      await createTestKey(owner, ["me:read"]),
    ];
    clock.pass(1000);
    const before = await send(`/v1/api-keys/${rotated.id}/rotate`, {
      method: "POST",
      token: owner.token,
    });
    const snapshot = await takeSnapshot();
    await send(`/v1/api-keys/${rotated.id}/rotate`, { method: "POST", token: owner.token });
    await send(`/v1/api-keys/${revoked.id}`, { method: "DELETE", token: owner.token });
    await restoreSnapshot(snapshot);
    const use = async (key: { key: string }, bindings: Cloudflare.Env) =>
      (await sendWithKey(key, "/v1/users/me", { bindings })).status;
    expect(await use(before.body, createColdIsolate())).toBe(200);
    clock.pass(1000);
    const bindings = await isolateAfter(Date.now());
    expect([await use(before.body, bindings), await use(revoked, bindings)]).toEqual([401, 401]);
    const { token } = await logIn(owner.username);
    const after = await send(`/v1/api-keys/${rotated.id}/rotate`, {
      method: "POST",
      token,
      bindings,
    });
    expect(after.status).toBe(200);
    expect(await use(after.body, bindings)).toBe(200);
    expect(await use(await createTestKey({ ...owner, token }, ["me:read"]), bindings)).toBe(200);
  });

  it("a key whose secret was made after the epoch works, though the key is older", async () => {
    const clock = stopClock();
    const owner = await createTestUser();
    const key = await createTestKey(owner, ["me:read"]);
    clock.pass(1000);
    const epoch = Date.now();
    const { token } = await logIn(owner.username);
    const { body } = await send(`/v1/api-keys/${key.id}/rotate`, { method: "POST", token });
    const bindings = await isolateAfter(epoch);
    expect((await sendWithKey(body, "/v1/users/me", { bindings })).status).toBe(200);
  });

  it("a link that was used cannot be used again, and a new one can", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const user = await createMailUser(box);
    await flowsOf(box).forgot(user.email);
    const used = box.tokenTo(user.email);
    const snapshot = await takeSnapshot();
    const reuse = () => flowsOf({ bindings: createColdIsolate() }).reset(used, "a new pass phrase");
    expect((await reuse()).status).toBe(204);
    await restoreSnapshot(snapshot);
    expect((await reuse()).status).toBe(204);
    await restoreSnapshot(snapshot);
    clock.pass(HOUR / 2);
    const bindings = Object.assign(await isolateAfter(Date.now()), { EMAIL: box.EMAIL });
    expectProblem(await flowsOf({ bindings }).reset(used, "another phrase"), 400, "invalid_token");
    await flowsOf({ bindings }).forgot(user.email);
    const fresh = box.tokenTo(user.email);
    expect(fresh).not.toBe(used);
    expect((await flowsOf({ bindings }).reset(fresh, "the last phrase")).status).toBe(204);
  });

  it("an mfa_token that was used cannot be used again, nor to begin a ceremony, and a new one can", async () => {
    const clock = stopClock();
    const user = await createTotpUser();
    const snapshot = await takeSnapshot();
    const used = await halfLogIn(user);
    const use = (token: string, code: number, bindings: Cloudflare.Env) =>
      verify(token, byRecoveryCode(user.codes[code] ?? ""), { bindings });
    expect((await use(used, 0, createColdIsolate())).status).toBe(200);
    await restoreSnapshot(snapshot);
    expect((await use(used, 1, createColdIsolate())).status).toBe(200);
    await restoreSnapshot(snapshot);
    clock.pass(1000);
    const bindings = await isolateAfter(Date.now());
    expectProblem(await use(used, 2, bindings), 401, "invalid_mfa_token");
    const begin = { body: { mfa_token: used, method: "passkey" }, bindings };
    expectProblem(await send("/v1/auth/mfa/challenge", begin), 401, "invalid_mfa_token");
    expect((await use(await halfLogIn(user, { bindings }), 2, bindings)).status).toBe(200);
  });

  it("an mfa_token for adding a factor is void", async () => {
    const clock = stopClock();
    const old = await halfLogIn(await createStrictUser());
    clock.pass(1000);
    const bindings = await isolateAfter(Date.now());
    const add = { body: { mfa_token: old }, bindings };
    expectProblem(await send("/v1/auth/factors/totp", add), 401, "invalid_mfa_token");
  });

  it("a challenge of a passkey that was used cannot be used again, and a new one can", async () => {
    const clock = stopClock();
    const { authenticator } = await createPasskeyUser();
    const snapshot = await takeSnapshot();
    const used = await authenticator.authenticate(await loginOptions());
    const use = (bindings: Cloudflare.Env) => sendAssertion(used, { bindings });
    expect((await use(createColdIsolate())).status).toBe(200);
    expect((await use(createColdIsolate())).status).toBe(401);
    await restoreSnapshot(snapshot);
    expect((await use(createColdIsolate())).status).toBe(200);
    await restoreSnapshot(snapshot);
    clock.pass(1000);
    const bindings = await isolateAfter(Date.now());
    expect((await use(bindings)).status).toBe(401);
    const fresh = await authenticator.authenticate(await loginOptions({ bindings }));
    expect((await sendAssertion(fresh, { bindings })).status).toBe(200);
  });

  it("an email that had been queued is given up, and its link does not come to life", async () => {
    const clock = stopClock();
    await sqlRun("DELETE FROM mail_outbox");
    const box = createMailbox();
    box.faults.refuses = () => true;
    const user = await createMailUser(box);
    delete box.faults.refuses;
    clock.pass(HOUR);
    const logs = captureLogs();
    const bindings = Object.assign(await isolateAfter(Date.now()), { EMAIL: box.EMAIL });
    await runCron(MINUTELY, bindings);
    expect(box.to(user.email)).toEqual([]);
    expect(logs.of("mail.given_up")).toMatchObject([{ kind: "verify_email", reason: "revoked" }]);
    const rows = await sqlAll(
      "SELECT failed_at, sent_at FROM mail_outbox WHERE user_id = ?",
      user.id,
    );
    expect(rows).toEqual([{ failed_at: Date.now(), sent_at: null }]);
    await flowsOf({ bindings }).forgot(user.email);
    expect(box.subjectsTo(user.email)).toHaveLength(1);
  });

  it("a stored answer is not given again", async () => {
    const clock = stopClock();
    const user = await createTestUser();
    const create = (token: string, bindings: Cloudflare.Env) =>
      send(
        "/v1/api-keys",
        keyed("restored-1", { body: { name: "Once", scopes: [] }, token, bindings }),
      );
    const first = await create(user.token, createColdIsolate());
    clock.pass(HOUR);
    const bindings = await isolateAfter(Date.now());
    const { token } = await logIn(user.username);
    const second = await create(token, bindings);
    expect(second.status).toBe(201);
    expect(second.body.key).not.toBe(first.body.key);
    const third = await create(token, bindings);
    expect([isReplayed(second), isReplayed(third)]).toEqual([false, true]);
    expect(third.body.key).toBe(second.body.key);
  });
});

it("without an epoch, a restore brings sessions back", async () => {
  const user = await createTestUser();
  const snapshot = await takeSnapshot();
  await send("/v1/auth/logout", { method: "POST", token: user.token });
  await restoreSnapshot(snapshot);
  expect(await statusesOf(user)).toEqual({ write: 200, read: 200, refresh: 200 });
  expect(
    (await send("/v1/auth/login", { body: { username: user.username, password: PASSWORD } }))
      .status,
  ).toBe(200);
});
