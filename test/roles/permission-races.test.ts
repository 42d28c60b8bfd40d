import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { actionsOn, createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import {
  createRoleWith,
  deletePermission,
  grantsOf,
  isStored,
  listOrphans,
  newPermission,
} from "../support/permissions.ts";
import { expectProblem } from "../support/problems.ts";

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

describe("a permission that is deleted while it is given", () => {
  const RACES: [string, RegExp, (name: string, more: object) => ReturnType<typeof send>][] = [
    ["a new role", /^insert into "roles"/, (name, more) => createRoleWith(admin, [name], more)],
    [
      "an existing role",
      /^update "roles"/,
      async (name, more) => {
        const { body } = await createRoleWith(admin, []);
        const put = { method: "PUT", token: admin.token, body: { permissions: [name] } };
        return send(`/v1/roles/${body.name}`, { ...put, ...more });
      },
    ],
    [
      "a new key",
      /^insert into "api_keys"/,
      (name, more) => {
        const body = { name: "x", scopes: [name] };
        return send("/v1/api-keys", { body, token: admin.token, ...more });
      },
    ],
    [
      "an existing key",
      /^update "api_keys" set "scopes"/,
      async (name, more) => {
        const { id } = await createTestKey(admin, []);
        const patch = { method: "PATCH", token: admin.token, body: { scopes: [name] } };
        return send(`/v1/api-keys/${id}`, { ...patch, ...more });
      },
    ],
  ];

  it.each(RACES)("to %s is not given: 422", async (_, statement, give) => {
    const name = await newPermission(admin);
    const bindings = beforeStatement(statement, () => deletePermission(admin, name));
    const answer = await give(name, { bindings });
    expectProblem(answer, 422, "validation_failed");
    expect(await listOrphans()).toEqual([]);
  });

  // Without this, the caller's own permissions would decide, and hide a missing condition.
  it.each(RACES)(
    "to %s is not given even if the caller's role still names it",
    async (_, statement, give) => {
      const name = await newPermission(admin);
      const bindings = beforeStatement(statement, () =>
        sqlRun("DELETE FROM custom_permissions WHERE name = ?", name),
      );
      expectProblem(await give(name, { bindings }), 422, "validation_failed");
      const roles = await sqlAll(
        "SELECT name FROM roles WHERE name <> 'admin' AND instr(permissions, ?) > 0",
        name,
      );
      expect(roles).toEqual([]);
      expect(await sqlAll("SELECT id FROM api_keys WHERE instr(scopes, ?) > 0", name)).toEqual([]);
      await sqlRun("INSERT INTO custom_permissions VALUES (?, '', 0)", name);
    },
  );

  it.each(RACES)(
    "to %s is kept if that comes first: 409 permission_in_use",
    async (_, __, give) => {
      const name = await newPermission(admin);
      const bindings = beforeStatement(/^delete from "custom_permissions"/, () => give(name, {}));
      expectProblem(await deletePermission(admin, name, { bindings }), 409, "permission_in_use");
      expect(await isStored(name)).toBe(true);
      expect(await grantsOf(admin, "admin")).toContain(name);
      expect(await actionsOn(name)).toEqual(["permission.created"]);
    },
  );
});
