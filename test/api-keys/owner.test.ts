import { beforeEach, describe, expect, it } from "vitest";
import { PERMISSION_NAMES } from "../../src/access/permissions.ts";
import { type Answer, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import {
  allBut,
  createHolder,
  createTestKey,
  roleOf,
  sendWithKey,
  setRole,
  type TestKey,
} from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { changesOn, createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

let admin: TestUser;
let ada: TestUser;
let key: TestKey;
let other: TestUser;

beforeEach(async () => {
  admin = await createTestUser("admin");
  ada = await createTestUser("moderator");
  key = await createTestKey(ada, ["users:read", "users:update"]);
  other = await createTestUser();
});

const read = (secret: { key: string }, more = {}) =>
  sendWithKey(secret, `/v1/users/${other.id}`, more);
const write = (secret: { key: string }, more = {}) =>
  sendWithKey(secret, `/v1/users/${other.id}`, {
    method: "PATCH",
    body: { first_name: `Name ${crypto.randomUUID()}` },
    ...more,
  });
const list = (secret: { key: string }) => sendWithKey(secret, "/v1/users");
const readOwner = (secret: { key: string }) => sendWithKey(secret, "/v1/users/me");

/** The statement that `write` sends. */
const WRITE = /^update "users"/;

/** The statuses of a write, a read of one user and a list with the key. */
async function statuses(): Promise<number[]> {
  const answers: Answer[] = [await write(key), await read(key), await list(key)];
  return answers.map(({ status }) => status);
}

const asAdmin = (method: string, path: string, body?: unknown) =>
  send(`/v1/users/${ada.id}${path}`, { method, token: admin.token, ...(body ? { body } : {}) });

describe("the permissions of a key", () => {
  it("are its scopes only", async () => {
    const narrow = await createTestKey(ada, ["users:read"]);
    expect((await list(narrow)).status).toBe(200);
    expectProblem(await write(narrow), 403, "forbidden");
    const sessions = await sendWithKey(narrow, `/v1/users/${other.id}/sessions`);
    expectProblem(sessions, 403, "forbidden");
  });

  it("do not include its owner's data: reading the owner requires users:read", async () => {
    for (const scopes of [[], ["sessions:read"]]) {
      const blind = await createTestKey(ada, scopes);
      for (const id of ["me", ada.id]) {
        expectProblem(await sendWithKey(blind, `/v1/users/${id}`), 403, "forbidden");
      }
    }
  });

  it("follow every change of its owner's role from one request to the next", async () => {
    expect(await statuses()).toEqual([200, 200, 200]);
    await setRole(ada, "user");
    expect(await statuses()).toEqual([403, 403, 403]);
    await setRole(ada, await roleOf(["users:read"]));
    expect(await statuses()).toEqual([403, 200, 200]);
    await setRole(ada, "admin");
    expect(await statuses()).toEqual([200, 200, 200]);
  });

  it("do not grow when its owner is promoted", async () => {
    await setRole(ada, "admin");
    const { id } = await createTestUser();
    const answer = await sendWithKey(key, `/v1/users/${id}`, { method: "DELETE" });
    expectProblem(answer, 403, "forbidden");
  });

  it("do not reach users who hold more than its scopes, whatever its owner's role", async () => {
    const strong = await createTestKey(admin, ["users:update", "users:delete", "users:read"]);
    const reach = (id: string) =>
      sendWithKey(strong, `/v1/users/${id}`, { method: "PATCH", body: { first_name: "A" } });
    expectProblem(await reach(ada.id), 403, "privilege_escalation");
    expect((await reach(other.id)).status).toBe(200);
    const equal = await createHolder("users:read");
    expect((await reach(equal.id)).status).toBe(200);
  });

  it("do not include changing an email, which would allow a password reset", async () => {
    const body = { email: `new.${other.email}` };
    const answer = await sendWithKey(key, `/v1/users/${other.id}`, { method: "PATCH", body });
    expectProblem(answer, 403, "forbidden");
    expect(await changesOn(other.id)).toEqual(["user.created"]);
  });

  it("do not reach its owner if the owner holds more than its scopes", async () => {
    const narrow = await createTestKey(admin, ["users:update", "users:delete", "users:erase"]);
    const own = `/v1/users/${admin.id}`;
    const body = { first_name: "A" };
    for (const path of [own, "/v1/users/me"]) {
      const changed = await sendWithKey(narrow, path, { method: "PATCH", body });
      expectProblem(changed, 403, "privilege_escalation");
      const deleted = await sendWithKey(narrow, path, { method: "DELETE" });
      expectProblem(deleted, 403, "privilege_escalation");
    }
    expect(await changesOn(admin.id)).toEqual(["user.created"]);
  });

  it("do not include managing credentials, whatever its scopes", async () => {
    const full = await createTestKey(admin, PERMISSION_NAMES);
    const own = `/v1/api-keys/${full.id}`;
    for (const [method, path, body] of [
      ["POST", "/v1/api-keys", { name: "x", scopes: [] }],
      ["PATCH", own, { scopes: [] }],
      ["POST", `${own}/rotate`, undefined],
      ["DELETE", own, undefined],
      ["DELETE", "/v1/users/me/sessions", undefined],
      ["POST", "/v1/auth/logout", undefined],
      [
        "POST",
        "/v1/auth/password/change",
        { current_password: "SecurePass123!", new_password: "SecurePass1234!" },
      ],
    ] as const) {
      const answer = await sendWithKey(full, path, { method, ...(body && { body }) });
      expectProblem(answer, 403, "forbidden");
    }
    expect((await list(full)).status).toBe(200);
  });
});

describe("a key whose owner", () => {
  it("is demoted by an administrator stops working immediately, including for reads of its owner", async () => {
    expect((await readOwner(key)).status).toBe(200);
    await asAdmin("PUT", "/role", { role: "user" });
    expect(await statuses()).toEqual([403, 403, 403]);
    expectProblem(await readOwner(key), 403, "forbidden");
    await asAdmin("PUT", "/role", { role: "moderator" });
    expect(await statuses()).toEqual([200, 200, 200]);
  });

  it("is demoted between read and write changes nothing", async () => {
    const bindings = beforeStatement(WRITE, () => asAdmin("PUT", "/role", { role: "user" }));
    expectProblem(await write(key, { bindings }), 403, "forbidden");
    expect(await changesOn(other.id)).toEqual(["user.created"]);
  });

  it.each([
    [
      "deactivated is refused immediately, and works again after reactivation",
      () => asAdmin("PATCH", "", { is_active: false }),
      () => asAdmin("PATCH", "", { is_active: true }),
      [200, 200, 200],
    ],
    [
      "deleted is refused immediately, and stays revoked after restoration",
      () => asAdmin("DELETE", ""),
      () => asAdmin("POST", "/restore"),
      [401, 401, 401],
    ],
  ])("is %s", async (_, end, restore, afterwards) => {
    expect((await end()).status).toBeLessThan(300);
    expect(await statuses()).toEqual([401, 401, 401]);
    expectProblem(await readOwner(key), 401, "unauthenticated");
    expect((await restore()).status).toBe(200);
    expect(await statuses()).toEqual(afterwards);
  });

  it.each([
    ["deactivated", () => asAdmin("PATCH", "", { is_active: false })],
    ["deleted", () => asAdmin("DELETE", "")],
  ])("is %s between read and write changes nothing", async (_, end) => {
    const bindings = beforeStatement(WRITE, end);
    expectProblem(await write(key, { bindings }), 401, "unauthenticated");
    expect(await changesOn(other.id)).toEqual(["user.created"]);
  });

  it("has all sessions ended keeps working", async () => {
    await asAdmin("DELETE", "/sessions");
    expect(await statuses()).toEqual([200, 200, 200]);
  });

  it("loses a permission because their role changed loses that permission too", async () => {
    const role = await roleOf(allBut("roles:write", "audit:read"));
    await setRole(ada, role);
    expect(await statuses()).toEqual([200, 200, 200]);
    const permissions = allBut("roles:write", "audit:read", "users:update");
    const body = { permissions };
    const changed = await send(`/v1/roles/${role}`, { method: "PUT", token: admin.token, body });
    expect(changed.status).toBe(200);
    expect(await statuses()).toEqual([403, 200, 200]);
  });
});

describe("the deletion of the owner", () => {
  it("leaves the time at which a key was revoked before", async () => {
    const { pass } = stopClock();
    const owner = await createTestUser();
    const [old, live] = [await createTestKey(owner, []), await createTestKey(owner, [])];
    await send(`/v1/api-keys/${old.id}`, { method: "DELETE", token: owner.token });
    const revokedAt = Date.now();
    pass(60_000);
    await send("/v1/users/me", { method: "DELETE", token: owner.token });
    const rows = await sqlAll("SELECT id, revoked_at FROM api_keys WHERE user_id = ?", owner.id);
    expect(rows).toEqual(
      expect.arrayContaining([
        { id: old.id, revoked_at: revokedAt },
        { id: live.id, revoked_at: revokedAt + 60_000 },
      ]),
    );
  });
});

describe("a write with a key", () => {
  const UPDATE_KEY = "UPDATE api_keys SET";
  const UPDATE_OWNER = "UPDATE users SET";
  it.each([
    ["its scope", `${UPDATE_KEY} scopes = '["users:read"]' WHERE id = ?1`, 403, "forbidden"],
    ["its time", `${UPDATE_KEY} expires_at = 1 WHERE id = ?1`, 401, "unauthenticated"],
    ["an active owner", `${UPDATE_OWNER} is_active = 0 WHERE id = ?2`, 401, "unauthenticated"],
    ["its owner", `${UPDATE_OWNER} deleted_at = 1 WHERE id = ?2`, 401, "unauthenticated"],
    ["its owner's role", `${UPDATE_OWNER} role = 'user' WHERE id = ?2`, 403, "forbidden"],
  ])("changes nothing if the key loses %s between read and write", async (_, sql, status, code) => {
    const bindings = beforeStatement(WRITE, () => sqlRun(`${sql} AND ?1 <> ?2`, key.id, ada.id));
    expectProblem(await write(key, { bindings }), status, code);
    expect(await changesOn(other.id)).toEqual(["user.created"]);
  });
});

describe("a key that is revoked while in use", () => {
  it("writes nothing after the revocation has returned", async () => {
    const revoke = () => send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: ada.token });
    const bindings = beforeStatement(WRITE, revoke);
    expectProblem(await write(key, { bindings }), 401, "unauthenticated");
    expect(await changesOn(other.id)).toEqual(["user.created"]);
  });

  it("gets only 200 or 401 in parallel requests, then always 401", async () => {
    const revoke = () => send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: ada.token });
    const uses = Array.from({ length: 6 }, () => [write(key), read(key)]).flat();
    const [revocation, ...answers] = await Promise.all([revoke(), ...uses]);
    expect(revocation?.status).toBe(204);
    for (const { status } of answers) expect([200, 401]).toContain(status);
    const written = answers.filter(({ status }, i) => status === 200 && i % 2 === 0).length;
    const updates = (await changesOn(other.id)).filter((action) => action === "user.updated");
    expect(updates).toHaveLength(written);
    expect(await statuses()).toEqual([401, 401, 401]);
    expectProblem(await readOwner(key), 401, "unauthenticated");
  });
});
