import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import {
  createHolder,
  createTestKey,
  roleOf,
  sendWithKey,
  setRole,
  type TestKey,
} from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { actionsOn, auditOf, createTestUser, sqlAll, type TestUser } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

let ada: TestUser;
let key: TestKey;

beforeEach(async () => {
  ada = await createTestUser("moderator");
  key = await createTestKey(ada, ["users:read"]);
});

/** The statement that renames, rescopes, rotates or revokes a key. */
const CHANGE = /^update "api_keys"/;

type Actor = { token: string };

const patch = ({ id }: { id: string }, { token }: Actor, body: unknown, more = {}) =>
  send(`/v1/api-keys/${id}`, { method: "PATCH", token, body, ...more });
const rotate = ({ id }: { id: string }, { token }: Actor, more = {}) =>
  send(`/v1/api-keys/${id}/rotate`, { method: "POST", token, ...more });
const revoke = ({ id }: { id: string }, { token }: Actor, more = {}) =>
  send(`/v1/api-keys/${id}`, { method: "DELETE", token, ...more });
const getKey = ({ id }: { id: string }, { token }: Actor) => send(`/v1/api-keys/${id}`, { token });

describe("PATCH /v1/api-keys/{id}", () => {
  it("renames and rescopes, and records api_key.updated with both", async () => {
    const answer = await patch(key, ada, { name: "Weekly", scopes: ["sessions:read"] });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ name: "Weekly", scopes: ["sessions:read"] });
    expect("key" in answer.body).toBe(false);
    const [, event] = await auditOf(key.id);
    expect(event).toMatchObject({ action: "api_key.updated", actor_id: ada.id });
    expect(JSON.parse(event?.changes ?? "")).toEqual({
      name: null,
      scopes: { from: "users:read", to: "sessions:read" },
    });
    const kept = JSON.stringify(await sqlAll("SELECT * FROM audit_events"));
    expect(kept).not.toMatch(/Nightly export|Weekly/);
  });

  it("removes scopes from a key in use immediately", async () => {
    expect((await sendWithKey(key, "/v1/users")).status).toBe(200);
    await patch(key, ada, { scopes: [] });
    expectProblem(await sendWithKey(key, "/v1/users"), 403, "forbidden");
  });

  it("changes and records nothing when the key is already as requested", async () => {
    for (const body of [{}, { name: "Nightly export" }, { scopes: ["users:read"] }]) {
      expect((await patch(key, ada, body)).status).toBe(200);
    }
    expect(await actionsOn(key.id)).toEqual(["api_key.created"]);
  });

  it("returns 403 privilege_escalation for scopes the caller lacks, and changes nothing", async () => {
    for (const scopes of [["users:delete"], ["users:read", "api_keys:write"]]) {
      expectProblem(await patch(key, ada, { scopes }), 403, "privilege_escalation");
    }
    expect((await getKey(key, ada)).body.scopes).toEqual(["users:read"]);
    expect(await actionsOn(key.id)).toEqual(["api_key.created"]);
  });

  it("returns 403 privilege_escalation for scopes the owner lacks, even to an administrator", async () => {
    const admin = await createTestUser("admin");
    const scopes = ["users:delete"];
    expectProblem(await patch(key, admin, { scopes }), 403, "privilege_escalation");
    expect((await patch(key, admin, { scopes: ["users:update"] })).status).toBe(200);
  });

  it("lets a demoted owner rename a key whose scopes they no longer hold", async () => {
    await setRole(ada, "user");
    const answer = await patch(key, ada, { name: "Old" });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ name: "Old", scopes: ["users:read"] });
  });

  it("does not restore scopes removed between read and write when it renames", async () => {
    const bindings = beforeStatement(CHANGE, () => patch(key, ada, { scopes: [] }));
    await patch(key, ada, { name: "Weekly" }, { bindings });
    expect((await getKey(key, ada)).body).toMatchObject({ name: "Weekly", scopes: [] });
  });

  it("returns 403 privilege_escalation for scopes that the caller loses between read and write", async () => {
    const bindings = beforeStatement(CHANGE, () => setRole(ada, "user"));
    const answer = await patch(key, ada, { scopes: ["users:update"] }, { bindings });
    expectProblem(answer, 403, "privilege_escalation");
    expect((await getKey(key, ada)).body.scopes).toEqual(["users:read"]);
  });

  it("returns 403 privilege_escalation for scopes that the owner loses between read and write", async () => {
    const admin = await createTestUser("admin");
    const bindings = beforeStatement(CHANGE, () => setRole(ada, "user"));
    const answer = await patch(key, admin, { scopes: ["users:update"] }, { bindings });
    expectProblem(answer, 403, "privilege_escalation");
    expect((await getKey(key, ada)).body.scopes).toEqual(["users:read"]);
  });

  it("records the scopes it actually replaced", async () => {
    const bindings = beforeStatement(CHANGE, () => patch(key, ada, { scopes: [] }));
    await patch(key, ada, { scopes: ["sessions:read"] }, { bindings });
    const [, first, second] = (await auditOf(key.id)).map(({ changes }) =>
      JSON.parse(changes ?? ""),
    );
    expect(first.scopes).toEqual({ from: "users:read", to: "" });
    expect(second.scopes).toEqual({ from: "", to: "sessions:read" });
  });

  it.each([
    [{ name: "" }, ["name too_short"]],
    [{ name: null }, ["name invalid_type"]],
    [{ scopes: ["users:rule"] }, ["scopes.0 invalid_value"]],
    [{ expires_at: "tomorrow" }, ["expires_at invalid_format"]],
    [{ expires_at: "2020-01-01T00:00:00Z" }, ["expires_at not_in_future"]],
    [
      { scopes: ["invoices:approve"], expires_at: "2020-01-01T00:00:00Z" },
      ["expires_at not_in_future", "scopes.0 invalid_value"],
    ],
    [{ user_id: "x", revoked_at: null }, ["revoked_at read_only", "user_id read_only"]],
  ])("returns 422 for %j", async (body, faults) => {
    const answer = await patch(key, ada, body);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(faults);
  });
});

describe("POST /v1/api-keys/{id}/rotate", () => {
  it("returns 200 with a new key and no other change, and the old key stops working immediately", async () => {
    expect((await sendWithKey(key, "/v1/users/me")).status).toBe(200);
    const before = (await getKey(key, ada)).body;
    expect(before.last_used_at).toEqual(expect.any(String));
    const answer = await rotate(key, ada);
    expect(answer.status).toBe(200);
    const { key: secret } = answer.body;
    expect(secret).toMatch(/^rstk_/);
    expect(secret).not.toBe(key.key);
    expect(answer.body).toEqual({ ...before, key: secret, prefix: secret.slice(0, 13) });
    expect((await getKey(key, ada)).body).toEqual({ ...before, prefix: secret.slice(0, 13) });
    for (const path of ["/v1/users/me", "/v1/users", `/v1/users/${ada.id}`]) {
      expectProblem(await sendWithKey(key, path), 401, "unauthenticated");
      expect((await sendWithKey(answer.body, path)).status).toBe(200);
    }
    expect(await actionsOn(key.id)).toEqual(["api_key.created", "api_key.rotated"]);
  });

  it("leaves one live secret when run concurrently, from a rotation that returned 200", async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => rotate(key, ada)));
    const rotated = answers.filter(({ status }) => status === 200);
    for (const answer of answers) {
      if (answer.status !== 200) expectProblem(answer, 409, "edit_conflict");
    }
    const live: string[] = [];
    for (const { body } of rotated) {
      if ((await sendWithKey(body, "/v1/users")).status === 200) live.push(body.key);
    }
    expect(live).toHaveLength(1);
    expectProblem(await sendWithKey(key, "/v1/users"), 401, "unauthenticated");
    const rows = (await actionsOn(key.id)).filter((action) => action === "api_key.rotated");
    expect(rows).toHaveLength(rotated.length);
  });
});

describe("a rotation between another rotation's read and write", () => {
  it("wins, and the other returns 409 edit_conflict without a secret", async () => {
    const winners: Answer<{ key: string }>[] = [];
    const bindings = beforeStatement(CHANGE, async () => winners.push(await rotate(key, ada)));
    expectProblem(await rotate(key, ada, { bindings }), 409, "edit_conflict");
    expect(winners.map(({ status }) => status)).toEqual([200]);
    for (const { body } of winners) {
      expect((await sendWithKey(body, "/v1/users")).status).toBe(200);
    }
    expect(await actionsOn(key.id)).toEqual(["api_key.created", "api_key.rotated"]);
  });
});

describe("DELETE /v1/api-keys/{id}", () => {
  it("returns 204, stops the key immediately, keeps it listed and records api_key.revoked", async () => {
    expect((await sendWithKey(key, "/v1/users/me")).status).toBe(200);
    expect((await revoke(key, ada)).status).toBe(204);
    for (const path of ["/v1/users/me", "/v1/users"]) {
      expectProblem(await sendWithKey(key, path), 401, "unauthenticated");
    }
    expect((await getKey(key, ada)).body.revoked_at).toEqual(expect.any(String));
    const [, event] = await auditOf(key.id);
    expect(event).toMatchObject({ action: "api_key.revoked", actor_id: ada.id });
  });

  it("returns 204 for a revoked key and records nothing", async () => {
    expect((await revoke(key, ada)).status).toBe(204);
    expect((await revoke(key, ada)).status).toBe(204);
    expect(await actionsOn(key.id)).toEqual(["api_key.created", "api_key.revoked"]);
  });

  it("returns 204 to concurrent revocations and records one", async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => revoke(key, ada)));
    expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 204, 204]);
    expect(await actionsOn(key.id)).toEqual(["api_key.created", "api_key.revoked"]);
  });

  it("also stops the secret that a concurrent rotation issues", async () => {
    const rotated: { key: string }[] = [];
    const bindings = beforeStatement(CHANGE, async () =>
      rotated.push((await rotate(key, ada)).body),
    );
    expect((await revoke(key, ada, { bindings })).status).toBe(204);
    for (const secret of [key, ...rotated]) {
      expectProblem(await sendWithKey(secret, "/v1/users"), 401, "unauthenticated");
      expectProblem(await sendWithKey(secret, "/v1/users/me"), 401, "unauthenticated");
    }
  });

  it("is permanent: a revoked key cannot be renamed or rotated", async () => {
    await revoke(key, ada);
    expectProblem(await patch(key, ada, { name: "x" }), 409, "api_key_revoked");
    expectProblem(await rotate(key, ada), 409, "api_key_revoked");
    expect(await actionsOn(key.id)).toEqual(["api_key.created", "api_key.revoked"]);
  });

  it("wins over another change between its read and write, which returns 409 api_key_revoked", async () => {
    const changes = [
      (one: TestKey, more: object) => patch(one, ada, { name: "x" }, more),
      (one: TestKey, more: object) => rotate(one, ada, more),
    ];
    for (const change of changes) {
      const one = await createTestKey(ada, []);
      const bindings = beforeStatement(CHANGE, () => revoke(one, ada));
      expectProblem(await change(one, { bindings }), 409, "api_key_revoked");
      expect(await actionsOn(one.id)).toEqual(["api_key.created", "api_key.revoked"]);
    }
  });
});

describe("managing another user's key", () => {
  it("requires every permission that its owner holds", async () => {
    const boss = await createTestUser("admin");
    const theirs = await createTestKey(boss, []);
    const manager = await createHolder("api_keys:write", "users:read");
    for (const answer of [
      await patch(theirs, manager, { name: "x" }),
      await rotate(theirs, manager),
      await revoke(theirs, manager),
    ]) {
      expectProblem(answer, 403, "privilege_escalation");
    }
    expect(await actionsOn(theirs.id)).toEqual(["api_key.created"]);
    const equal = await createTestKey(await createHolder("users:read"), []);
    expect((await revoke(equal, manager)).status).toBe(204);
  });

  it("is refused if the owner gains a permission, or the caller loses theirs, between read and write", async () => {
    const owner = await createTestUser();
    const theirs = await createTestKey(owner, []);
    const manager = await createHolder("api_keys:write");
    const risen = beforeStatement(CHANGE, () => setRole(owner, "admin"));
    expectProblem(await revoke(theirs, manager, { bindings: risen }), 403, "privilege_escalation");
    await setRole(owner, "user");
    const other = await roleOf(["users:read"]);
    const lost = beforeStatement(CHANGE, () => setRole(manager as TestUser, other));
    expectProblem(await rotate(theirs, manager, { bindings: lost }), 403, "forbidden");
    expect(await actionsOn(theirs.id)).toEqual(["api_key.created"]);
  });
});
