import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, setRole, type TestKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { createTestUser, sqlAll, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const INSERT_KEY = /^insert into "api_keys"/;

let admin: TestUser;
let ada: TestUser;
let key: TestKey;

beforeEach(async () => {
  admin = await createTestUser("admin");
  ada = await createTestUser("moderator");
  key = await createTestKey(ada, ["users:read", "users:update"]);
});

async function keysOf({ id }: TestUser): Promise<string[]> {
  const rows = await sqlAll<{ id: string }>("SELECT id FROM api_keys WHERE user_id = ?", id);
  return rows.map((row) => row.id);
}

describe("creating a key", () => {
  it("returns 403 privilege_escalation for scopes the caller lacks", async () => {
    for (const scopes of [["users:delete"], ["users:read", "api_keys:write"]]) {
      const body = { name: "x", scopes };
      const answer = await send("/v1/api-keys", { body, token: ada.token });
      expectProblem(answer, 403, "privilege_escalation");
    }
  });

  it("for another user requires all that user's permissions, and scopes that both hold", async () => {
    const manager = await createHolder("api_keys:write", "users:read", "users:create");
    const create = (user_id: string, scopes: string[], { token }: TestUser) =>
      send("/v1/api-keys", { body: { name: "x", scopes, user_id }, token });
    expectProblem(await create(admin.id, [], manager), 403, "privilege_escalation");
    const reader = await createHolder("users:read");
    expectProblem(await create(reader.id, ["users:create"], manager), 403, "privilege_escalation");
    expectProblem(
      await create(reader.id, ["users:read", "audit:read"], admin),
      403,
      "privilege_escalation",
    );
    expect((await create(reader.id, ["users:read"], manager)).status).toBe(201);
  });

  it("returns 403 privilege_escalation if the caller or the owner loses a scope between read and write", async () => {
    const create = (user: TestUser, more: object) =>
      send("/v1/api-keys", { token: user.token, ...more });
    const own = { name: "x", scopes: ["users:read"] };
    const lost = beforeStatement(INSERT_KEY, () => setRole(ada, "user"));
    expectProblem(await create(ada, { body: own, bindings: lost }), 403, "privilege_escalation");
    const reader = await createHolder("users:read");
    const theirs = { ...own, user_id: reader.id };
    const demoted = beforeStatement(INSERT_KEY, () => setRole(reader, "user"));
    const answer = await create(admin, { body: theirs, bindings: demoted });
    expectProblem(answer, 403, "privilege_escalation");
    expect(await keysOf(ada)).toEqual([key.id]);
    expect(await keysOf(reader)).toEqual([]);
  });

  it("returns 404 for an owner who is deleted between read and write, and stores none", async () => {
    const owner = await createTestUser();
    const body = { name: "x", scopes: [], user_id: owner.id };
    const bindings = beforeStatement(INSERT_KEY, () =>
      send("/v1/users/me", { method: "DELETE", token: owner.token }),
    );
    const answer = await send("/v1/api-keys", { token: admin.token, body, bindings });
    expectProblem(answer, 404, "user_not_found");
    expect(await keysOf(owner)).toEqual([]);
  });
});
