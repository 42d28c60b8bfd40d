import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import {
  createHolder,
  createTestKey,
  roleOf,
  sendWithKey,
  setRole,
  type TestKey,
} from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { actionsOn, auditOf, createTestUser, sqlRun, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const LATER = "2099-01-01T00:00:00.000Z";
const SOONER = "2098-01-01T00:00:00.000Z";
const CHANGE = /^update "api_keys"/;

let ada: TestUser;
let key: TestKey;

/** Ada's key has a scope that her role no longer grants. */
beforeEach(async () => {
  ada = await createTestUser("admin");
  key = await createTestKey(ada, ["users:delete"], { expires_at: SOONER });
  await setRole(ada, "user");
});

const rotate = ({ token }: { token: string }, more = {}) =>
  send(`/v1/api-keys/${key.id}/rotate`, { method: "POST", token, ...more });
const patch = ({ token }: { token: string }, body: object, more = {}) =>
  send(`/v1/api-keys/${key.id}`, { method: "PATCH", token, body, ...more });

/** Inserts live keys of a user. `tag` must be new. */
const insertKeys = ({ id }: TestUser, count: number, tag: string) =>
  sqlRun(
    `INSERT INTO api_keys (id, user_id, name, prefix, secret_hash, scopes, created_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     SELECT ?2 || ?3 || i, ?3, 'x', 'rstk_', ?2 || ?3 || i, '[]', 0 FROM n`,
    count,
    tag,
    id,
  );

/** Changes that hand out the key's scopes, as creating it did. */
const GRANTS: [string, (who: { token: string }, more?: object) => Promise<Answer>][] = [
  ["rotated", rotate],
  ["extended", (who, more) => patch(who, { expires_at: LATER }, more)],
  ["made permanent", (who, more) => patch(who, { expires_at: null }, more)],
];

describe("a dormant key", () => {
  it.each(GRANTS)("is not %s by a manager who lacks its scopes", async (_, act) => {
    const manager = await createHolder("api_keys:write");
    expectProblem(await act(manager), 403, "privilege_escalation");
    expect(await actionsOn(key.id)).toEqual(["api_key.created"]);
    await setRole(ada, "admin");
    expect(
      (await sendWithKey(key, `/v1/users/${(await createTestUser()).id}`, { method: "DELETE" }))
        .status,
    ).toBe(204);
  });

  it.each(GRANTS)("is not %s by its owner while they lack its scopes", async (_, act) => {
    expectProblem(await act(ada), 403, "privilege_escalation");
    await setRole(ada, await roleOf(["users:delete"]));
    expect((await act(ada)).status).toBe(200);
  });

  it.each(GRANTS)("is %s by whoever holds its scopes", async (_, act) => {
    const manager = await createHolder("api_keys:write", "users:delete");
    expect((await act(manager)).status).toBe(200);
  });

  it.each(GRANTS)("is not %s by who loses its scopes between read and write", async (_, act) => {
    const manager = await createHolder("api_keys:write", "users:delete");
    const less = await roleOf(["api_keys:write"]);
    const bindings = beforeStatement(CHANGE, () => setRole(manager, less));
    expectProblem(await act(manager, { bindings }), 403, "privilege_escalation");
    expect(await actionsOn(key.id)).toEqual(["api_key.created"]);
  });

  it("is not rotated with a scope that it gains between read and write", async () => {
    const manager = await createHolder("api_keys:write", "users:delete");
    const bindings = beforeStatement(CHANGE, () =>
      sqlRun(`UPDATE api_keys SET scopes = '["users:delete","users:erase"]' WHERE id = ?`, key.id),
    );
    expectProblem(await rotate(manager, { bindings }), 403, "privilege_escalation");
  });

  it("does not get its scopes anew from an owner or a caller who lacks them", async () => {
    const admin = await createTestUser("admin");
    const scopes = ["users:delete", "users:read"];
    for (const who of [ada, admin]) {
      expectProblem(await patch(who, { scopes }), 403, "privilege_escalation");
    }
  });

  it("can be renamed, narrowed, shortened and revoked by its owner; then it can be rotated", async () => {
    expect((await patch(ada, { name: "Old", scopes: ["users:delete"] })).status).toBe(200);
    const short = "2097-01-01T00:00:00.000Z";
    expect((await patch(ada, { expires_at: short })).body.expires_at).toBe(short);
    expect((await patch(ada, { scopes: ["me:read"] })).body.scopes).toEqual(["me:read"]);
    expect((await rotate(ada)).status).toBe(200);
    const revoked = await send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: ada.token });
    expect(revoked.status).toBe(204);
  });
});

describe("the expiry of a key", () => {
  it("is changed by PATCH, takes effect at once and is recorded from and to", async () => {
    const admin = await createTestUser("admin");
    const one = await createTestKey(admin, ["users:read"]);
    const path = `/v1/api-keys/${one.id}`;
    const set = (expires_at: string | null) =>
      send(path, { method: "PATCH", token: admin.token, body: { expires_at } });
    expect((await set("2099-01-01T02:00:00+02:00")).body.expires_at).toBe(LATER);
    expect((await set(LATER)).status).toBe(200);
    expect((await set(null)).body.expires_at).toBeNull();
    const [, first, second, ...others] = await auditOf(one.id);
    expect(others).toEqual([]);
    expect(JSON.parse(first?.changes ?? "")).toEqual({ expires_at: { from: null, to: LATER } });
    expect(JSON.parse(second?.changes ?? "")).toEqual({ expires_at: { from: LATER, to: null } });
    await sqlRun("UPDATE api_keys SET expires_at = 1 WHERE id = ?", one.id);
    expectProblem(await sendWithKey(one, "/v1/users"), 401, "unauthenticated");
    expect((await set(LATER)).status).toBe(200);
    expect((await sendWithKey(one, "/v1/users")).status).toBe(200);
  });

  it("is not extended beyond the limit of live keys: 409 api_key_limit, also for one that is filled in between", async () => {
    const { start } = stopClock();
    const bea = await createTestUser();
    const fill = (count: number, tag: string) => insertKeys(bea, count, tag);
    const { id } = await createTestKey(bea, []);
    // It expires now.
    await sqlRun("UPDATE api_keys SET expires_at = ? WHERE id = ?", start, id);
    const revive = (more = {}) =>
      send(`/v1/api-keys/${id}`, {
        method: "PATCH",
        token: bea.token,
        body: { expires_at: null },
        ...more,
      });
    await fill(99, "a");
    const bindings = beforeStatement(CHANGE, () => fill(1, "b"));
    expectProblem(await revive({ bindings }), 409, "api_key_limit");
    expectProblem(await revive(), 409, "api_key_limit");
    await sqlRun("UPDATE api_keys SET revoked_at = 1 WHERE id = ?", `a${bea.id}1`);
    expect((await revive()).status).toBe(200);
  });

  it("does not count against the limit of live keys once it is over: the key can be renamed beside 100 live ones", async () => {
    const bea = await createTestUser();
    const { id } = await createTestKey(bea, []);
    await sqlRun("UPDATE api_keys SET expires_at = 1 WHERE id = ?", id);
    await insertKeys(bea, 100, "a");
    const body = { name: "Old" };
    const answer = await send(`/v1/api-keys/${id}`, { method: "PATCH", token: bea.token, body });
    expect(answer.status).toBe(200);
    expect(answer.body.name).toBe("Old");
  });

  it("that another request changes in between is not overwritten unseen", async () => {
    const admin = await createTestUser("admin");
    const one = await createTestKey(admin, [], { expires_at: SOONER });
    const path = `/v1/api-keys/${one.id}`;
    const set = (expires_at: string, more = {}) =>
      send(path, { method: "PATCH", token: admin.token, body: { expires_at }, ...more });
    const bindings = beforeStatement(CHANGE, () => set(LATER));
    expect((await set("2097-01-01T00:00:00Z", { bindings })).status).toBe(200);
    const steps = (await auditOf(one.id)).slice(1).map(({ changes }) => JSON.parse(changes ?? ""));
    expect(steps.map(({ expires_at }) => expires_at.from)).toEqual([SOONER, LATER]);
  });
});
