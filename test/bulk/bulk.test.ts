import { describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey, setRole } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  ALL_REFUSED,
  changesOn,
  createRoleRow,
  createTestUser,
  sqlAll,
  sqlRun,
  statusesOf,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";
const UPDATE = /^update "users"/;

const change = (
  { token }: { token: string },
  action: string,
  ids: readonly string[],
  more: { role?: string } = {},
  options: RequestOptions = {},
) => send("/v1/users/bulk", { ...options, token, body: { action, ids, ...more } });

/** The status and code of each id. */
const resultsOf = ({ body }: { body: { data: { status: string; code?: string }[] } }) =>
  body.data.map(({ status, code }) => [status, code].filter(Boolean).join(" "));

const idsOf = (users: readonly TestUser[]) => users.map(({ id }) => id);
const createUsers = (count: number) =>
  Promise.all(Array.from({ length: count }, () => createTestUser()));

describe("POST /v1/users/bulk", () => {
  it("deactivates and activates, with an event for each change and none for the others", async () => {
    const admin = await createTestUser("admin");
    const users = await createUsers(3);
    const ids = idsOf(users);
    const first = await change(admin, "deactivate", ids.slice(0, 2));
    expect(first.body).toEqual({ data: ids.slice(0, 2).map((id) => ({ id, status: "done" })) });
    const second = await change(admin, "deactivate", [...ids, UNKNOWN]);
    expect(resultsOf(second)).toEqual(["unchanged", "unchanged", "done", "refused user_not_found"]);
    for (const user of users) {
      expect(await statusesOf(user)).toEqual(ALL_REFUSED);
      expect(await changesOn(user.id)).toEqual(["user.created", "user.updated"]);
    }
    expect(resultsOf(await change(admin, "activate", ids))).toEqual(["done", "done", "done"]);
  });

  it("deletes, ends sessions and revokes API keys", async () => {
    const admin = await createTestUser("admin");
    const [one, two] = (await createUsers(2)) as [TestUser, TestUser];
    const key = await createTestKey(one, ["me:read"]);
    await change(admin, "delete", [two.id]);
    const answer = await change(admin, "delete", idsOf([one, two]));
    expect(resultsOf(answer)).toEqual(["done", "refused user_not_found"]);
    expect(await statusesOf(one)).toEqual(ALL_REFUSED);
    const [row] = await sqlAll("SELECT revoked_at FROM api_keys WHERE id = ?", key.id);
    expect(row?.revoked_at).not.toBeNull();
    expect(await changesOn(one.id)).toEqual(["user.created", "user.deleted"]);
  });

  it("assigns a role and ends the sessions of those whose role changed", async () => {
    const admin = await createTestUser("admin");
    const users = await createUsers(2);
    await setRole(users[0] as TestUser, "moderator");
    const answer = await change(admin, "set_role", idsOf(users), { role: "moderator" });
    expect(resultsOf(answer)).toEqual(["unchanged", "done"]);
    expect((await statusesOf(users[0] as TestUser)).read).toBe(200);
    expect(await statusesOf(users[1] as TestUser)).toEqual(ALL_REFUSED);
    expect(await changesOn(users[1]?.id ?? "")).toEqual(["user.created", "user.role_changed"]);
  });

  it("changes 100 users in one call, and refuses 101, none, and the same id twice", async () => {
    const admin = await createTestUser("admin");
    const { id: template } = await createTestUser();
    await sqlRun(
      `INSERT INTO users (id, username, username_key, email, email_key, role, created_at, updated_at)
        SELECT printf('0198f3c2-7d3e-7c41-9f2a-%012d', value), 'bulk' || value, 'bulk' || value, 'bulk' || value, 'bulk' || value, 'user', 1, 1
        FROM json_each(?)`,
      JSON.stringify(Array.from({ length: 101 }, (_, i) => i)),
    );
    const ids = Array.from(
      { length: 101 },
      (_, i) => `0198f3c2-7d3e-7c41-9f2a-${String(i).padStart(12, "0")}`,
    );
    const answer = await change(admin, "delete", ids.slice(0, 100));
    expect(resultsOf(answer)).toEqual(Array(100).fill("done"));
    expect(faultsOf(await change(admin, "delete", ids))).toEqual(["ids too_big"]);
    expect(faultsOf(await change(admin, "delete", []))).toEqual(["ids too_small"]);
    const twice = [template, template.toUpperCase()];
    expect(faultsOf(await change(admin, "delete", twice))).toEqual(["ids invalid_value"]);
  });

  it("names every fault of a request", async () => {
    const admin = await createTestUser("admin");
    const ids = [UNKNOWN];
    expect(faultsOf(await change(admin, "set_role", ids))).toEqual(["role required"]);
    expect(faultsOf(await change(admin, "delete", ids, { role: "user" }))).toEqual([
      "role unknown_field",
    ]);
    expect(faultsOf(await change(admin, "set_role", ids, { role: "nobody" }))).toEqual([
      "role unknown_role",
    ]);
    expect(faultsOf(await change(admin, "promote", ["x"]))).toEqual([
      "action invalid_value",
      "ids.0 invalid_format",
    ]);
  });
});

describe("the authority of a bulk change", () => {
  it.each([
    ["activate", "users:update"],
    ["deactivate", "users:update"],
    ["delete", "users:delete"],
    ["set_role", "roles:assign"],
  ])("%s needs %s, and no other permission", async (action, permission) => {
    const { id } = await createTestUser();
    await createRoleRow(`none-${action.replace("_", "-")}`, []);
    const role = action === "set_role" ? { role: `none-${action.replace("_", "-")}` } : {};
    const others = ["users:update", "users:delete", "roles:assign"].filter((p) => p !== permission);
    const without = await createHolder(...others);
    expectProblem(await change(without, action, [id], role), 403, "forbidden");
    const holder = await createHolder(permission);
    const [result] = resultsOf(await change(holder, action, [id], role));
    expect(["done", "unchanged"]).toContain(result);
  });

  it("refuses users who hold a permission that the caller does not hold, and a role that grants one", async () => {
    const caller = await createHolder("users:update", "roles:assign");
    const above = await createTestUser("moderator");
    const below = await createTestUser();
    const ids = idsOf([above, below]);
    expect(resultsOf(await change(caller, "deactivate", ids))).toEqual([
      "refused privilege_escalation",
      "done",
    ]);
    const assigned = await change(caller, "set_role", [below.id], { role: "moderator" });
    expect(resultsOf(assigned)).toEqual(["refused privilege_escalation"]);
  });

  it("lets API keys deactivate and delete, but not assign roles", async () => {
    const admin = await createTestUser("admin");
    const key = await createTestKey(admin, ["users:update", "users:delete", "roles:assign"]);
    const { id } = await createTestUser();
    const bulk = (body: object) => sendWithKey(key, "/v1/users/bulk", { body });
    const assigned = await bulk({ ids: [id], action: "set_role", role: "user" });
    expectProblem(assigned, 403, "forbidden");
    expect(resultsOf(await bulk({ ids: [id], action: "deactivate" }))).toEqual(["done"]);
    expect(resultsOf(await bulk({ ids: [id], action: "delete" }))).toEqual(["done"]);
  });

  it.each([
    ["deactivate", "users:update"],
    ["delete", "users:delete"],
  ])("does nothing once the caller has lost the permission: %s", async (action, permission) => {
    const caller = await createHolder(permission);
    const { id } = await createTestUser();
    const bindings = beforeStatement(UPDATE, () => setRole(caller, "user"));
    const answer = await change(caller, action, [id], {}, { bindings });
    expectProblem(answer, 403, "forbidden");
    expect(await changesOn(id)).toEqual(["user.created"]);
  });
});

describe("a bulk change of the caller's own account and of administrators", () => {
  it("changes the caller last, so that the others are still changed", async () => {
    const [caller, other] = [await createTestUser("admin"), await createTestUser("admin")];
    await createTestUser("admin"); // Remains.
    const { id } = await createTestUser();
    const answer = await change(caller, "delete", [caller.id, id, other.id]);
    expect(resultsOf(answer)).toEqual(["done", "done", "done"]);
    expect(await statusesOf(caller)).toEqual(ALL_REFUSED);
  });

  it("leaves one active administrator, whoever is in the list", async () => {
    const admins = [await createTestUser("admin"), await createTestUser("admin")];
    const [caller] = admins as [TestUser];
    await sqlRun(
      "UPDATE users SET is_active = 0 WHERE role = 'admin' AND id NOT IN (?, ?)",
      ...idsOf(admins),
    );
    const answer = await change(caller, "set_role", idsOf(admins), { role: "user" });
    expect(resultsOf(answer)).toEqual(["refused last_admin", "done"]);
    const left = await sqlAll("SELECT id FROM users WHERE role = 'admin' AND is_active = 1");
    expect(left).toEqual([{ id: caller.id }]);
  });

  it("plans a user anew who was changed in the meantime", async () => {
    const admin = await createTestUser("admin");
    const users = await createUsers(2);
    const [first] = users as [TestUser];
    const bindings = beforeStatement(UPDATE, () => change(admin, "delete", [first.id]));
    const answer = await change(admin, "deactivate", idsOf(users), {}, { bindings });
    expect(resultsOf(answer)).toEqual(["refused user_not_found", "done"]);
    expect(await changesOn(first.id)).toEqual(["user.created", "user.deleted"]);
  });
});
