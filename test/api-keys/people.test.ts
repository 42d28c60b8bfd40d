import { beforeEach, describe, expect, it } from "vitest";
import { PERMISSION_NAMES } from "../../src/access/permissions.ts";
import { send } from "../support/api.ts";
import { createTestKey, roleOf, sendWithKey, type TestKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  changesOn,
  createRoleRow,
  createTestUser,
  newAccount,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

let admin: TestUser;
let key: TestKey;

beforeEach(async () => {
  admin = await createTestUser("admin");
  key = await createTestKey(admin, PERMISSION_NAMES);
});

const create = (fields: object, more = {}) => {
  const body = newAccount({ ...fields });
  return sendWithKey(key, "/v1/users", { body, ...more });
};

describe("an account that an API key creates", () => {
  it("has a role without any permission, by default `user`", async () => {
    const made = await create({});
    expect({ status: made.status, role: made.body.role }).toEqual({ status: 201, role: "user" });
    const plain = await roleOf([]);
    expect((await create({ role: plain })).status).toBe(201);
  });

  it("never has a role with permissions, however wide the key: 403 privilege_escalation", async () => {
    for (const role of ["admin", "moderator", await roleOf(["users:read"])]) {
      const refused = await create({ role });
      expectProblem(refused, 403, "privilege_escalation");
      expect(refused.body.detail).toContain("access token");
    }
    const { token } = admin;
    const byHand = await send("/v1/users", { body: newAccount({ role: "moderator" }), token });
    expect(byHand.status).toBe(201);
  });

  it("is not created if its role gains a permission between read and write", async () => {
    const role = "plain-until-now";
    await createRoleRow(role, []);
    const bindings = beforeStatement(/^insert into "users"/, () =>
      sqlRun(`UPDATE roles SET permissions = '["users:read"]' WHERE name = ?`, role),
    );
    const refused = await create({ role }, { bindings });
    expectProblem(refused, 403, "privilege_escalation");
    expect(await sqlAll("SELECT id FROM users WHERE role = ?", role)).toEqual([]);
  });
});

describe("a role", () => {
  it("is given by no API key, whatever its scopes: 403 forbidden", async () => {
    const other = await createTestUser();
    const path = `/v1/users/${other.id}`;
    for (const role of ["admin", "moderator", await roleOf([])]) {
      const body = { role };
      for (const [end, method] of [
        ["/role", "PUT"],
        ["", "PATCH"],
      ] as const) {
        const answer = await sendWithKey(key, path + end, { method, body });
        expectProblem(answer, 403, "forbidden");
        expect(answer.body.detail).toContain("access token");
      }
      const { username, email } = other;
      const whole = { username, email, first_name: null, last_name: null, is_active: true, role };
      expectProblem(await sendWithKey(key, path, { method: "PUT", body: whole }), 403, "forbidden");
    }
    expect(await changesOn(other.id)).toEqual(["user.created"]);
  });

  it("that does not change is no obstacle to a PUT with an API key", async () => {
    const { id, username, email } = await createTestUser();
    const body = { username, email, first_name: "Eve", last_name: null, is_active: true };
    const answer = await sendWithKey(key, `/v1/users/${id}`, {
      method: "PUT",
      body: { ...body, role: "user" },
    });
    expect(answer.status).toBe(200);
  });
});
