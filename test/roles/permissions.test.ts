import { decodeJwt } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey, setRole } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  actionsOn,
  auditOf,
  createTestUser,
  logIn,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import {
  createPermission,
  createRoleWith,
  deletePermission,
  grantsOf,
  isStored,
  listOrphans,
  newPermission,
  newPermissionName,
} from "../support/permissions.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

describe("POST /v1/permissions", () => {
  it("returns 201, gives the permission to `admin` alone, lists it and records permission.created", async () => {
    const name = newPermissionName();
    const answer = await createPermission(admin, name);
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ name, description: "Ours.", is_system: false });
    const { data } = (await send("/v1/permissions", { token: admin.token })).body;
    expect(data).toContainEqual(answer.body);
    const grants = await grantsOf(admin, "admin");
    expect(grants).toContain(name);
    expect(grants).toEqual(grants.toSorted());
    expect(await grantsOf(admin, "moderator")).not.toContain(name);
    const [event, ...others] = await auditOf(name);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      action: "permission.created",
      actor_id: admin.id,
      target_type: "permission",
    });
    expect(JSON.parse(event?.changes ?? "")).toEqual({
      description: { from: null, to: "Ours." },
    });
  });

  it("needs roles:write only: whoever has it need not hold what they add, and may not give it to a role", async () => {
    const builder = await createHolder("roles:write");
    const name = newPermissionName();
    expect((await createPermission(builder, name)).status).toBe(201);
    const answer = await createRoleWith(builder, [name]);
    expectProblem(answer, 403, "privilege_escalation");
    expectProblem(
      await createPermission(await createHolder("roles:read"), newPermissionName()),
      403,
      "forbidden",
    );
  });

  it.each([
    "invoices",
    "invoices:",
    ":approve",
    "a:",
    "Invoices:approve",
    "invoices:appr\u00f6ve",
    "invoices: approve",
    'invoices:"approve"',
    `invoices:${"a".repeat(56)}`,
    "",
  ])("returns 422 for the malformed name %j", async (name) => {
    const answer = await createPermission(admin, name);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["name invalid_format"]);
  });

  it.each(["users:read", "users:rule", "me:read", "me:all", "api_keys:x:y", "analytics:write"])(
    "returns 422 for %s, whose noun is reserved",
    async (name) => {
      const answer = await createPermission(admin, name);
      expectProblem(answer, 422, "validation_failed");
      expect(faultsOf(answer)).toEqual(["name reserved"]);
    },
  );

  it("accepts 3 and 64 characters, and several parts", async () => {
    for (const name of ["a:b", `invoices:${"a".repeat(55)}`, "a_b.c-1:lines:approve"]) {
      expect((await createPermission(admin, name)).status).toBe(201);
      expect((await deletePermission(admin, name)).status).toBe(204);
    }
  });

  it("returns 409 permission_exists for a name that is taken, also at the same time, and records one event", async () => {
    const name = newPermissionName();
    const answers = await Promise.all([
      createPermission(admin, name),
      createPermission(admin, name),
      createPermission(admin, name),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expectProblem(await createPermission(admin, name), 409, "permission_exists");
    expect(await actionsOn(name)).toEqual(["permission.created"]);
    expect((await grantsOf(admin, "admin")).filter((held) => held === name)).toHaveLength(1);
  });

  it("returns 409 permission_limit for the 501st, also at the same time", async () => {
    await sqlRun(
      `INSERT INTO custom_permissions WITH RECURSIVE n(i) AS
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 498 - (SELECT count(*) FROM custom_permissions))
       SELECT 'filler:v' || i, '', 0 FROM n`,
    );
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => createPermission(admin, newPermissionName())),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409]);
    expectProblem(await createPermission(admin, newPermissionName()), 409, "permission_limit");
    await sqlRun("DELETE FROM custom_permissions WHERE name LIKE 'filler:%'");
  });

  it("adds nothing if the caller loses roles:write between read and write", async () => {
    const builder = await createHolder("roles:write");
    const name = newPermissionName();
    const bindings = beforeStatement(/^insert into "custom_permissions"/, () =>
      setRole(builder, "user"),
    );
    expectProblem(await createPermission(builder, name, { bindings }), 403, "forbidden");
    expect(await isStored(name)).toBe(false);
    expect(await grantsOf(admin, "admin")).not.toContain(name);
    expect(await actionsOn(name)).toEqual([]);
  });
});

describe("a permission of the application", () => {
  it("is held by roles and API keys, and is in the scope of access tokens", async () => {
    const name = await newPermission(admin);
    const { body: role } = await createRoleWith(admin, [name, "users:read"]);
    expect(role.permissions).toEqual([name, "users:read"]);
    const clerk = await createTestUser(role.name);
    expect(decodeJwt(clerk.token).scope).toBe(`${name} users:read`);
    const { token } = await logIn(clerk.username);
    expect((await send("/v1/auth/me", { token })).body.permissions).toEqual([name, "users:read"]);
    const key = await createTestKey(clerk, [name]);
    const { body } = await send(`/v1/api-keys/${key.id}`, { token });
    expect(body.scopes).toEqual([name]);
    expectProblem(await sendWithKey(key, "/v1/users"), 403, "forbidden");
  });

  it("can be given by those who hold it, and by nobody else", async () => {
    const name = await newPermission(admin);
    const { body: role } = await createRoleWith(admin, [name]);
    const clerk = await createTestUser(role.name);
    const stranger = await createTestUser("moderator");
    const body = { name: "x", scopes: [name] };
    const refused = await send("/v1/api-keys", { body, token: stranger.token });
    expectProblem(refused, 403, "privilege_escalation");
    expect((await send("/v1/api-keys", { body, token: clerk.token })).status).toBe(201);
  });

  it("that does not exist is refused with 422 at its position as sent, in roles and keys", async () => {
    const name = await newPermission(admin);
    const unknown = "invoices:nothing";
    const made = await createRoleWith(admin, ["users:read", unknown, name, "a:b"]);
    expect(faultsOf(made)).toEqual(["permissions.1 invalid_value", "permissions.3 invalid_value"]);
    const { body: role } = await createRoleWith(admin, []);
    const body = { permissions: [unknown, "users:read"] };
    const { token } = admin;
    const replaced = await send(`/v1/roles/${role.name}`, { method: "PUT", token, body });
    expect(faultsOf(replaced)).toEqual(["permissions.0 invalid_value"]);
    const issued = await send("/v1/api-keys", {
      body: { name: "x", scopes: ["users:read", unknown], expires_at: "2020-01-01T00:00:00Z" },
      token,
    });
    expect(faultsOf(issued)).toEqual(["expires_at not_in_future", "scopes.1 invalid_value"]);
    const { id } = await createTestKey(admin, []);
    const patch = { method: "PATCH", token, body: { scopes: [unknown] } };
    const patched = await send(`/v1/api-keys/${id}`, patch);
    expect(faultsOf(patched)).toEqual(["scopes.0 invalid_value"]);
    expect(await listOrphans()).toEqual([]);
  });
});

describe("DELETE /v1/permissions/{name}", () => {
  it("returns 204, takes the permission from `admin` and records permission.deleted", async () => {
    const name = await newPermission(admin);
    expect((await deletePermission(admin, name)).status).toBe(204);
    expect(await isStored(name)).toBe(false);
    expect(await grantsOf(admin, "admin")).not.toContain(name);
    expect(await actionsOn(name)).toEqual(["permission.created", "permission.deleted"]);
    const [, deleted] = await auditOf(name);
    expect(JSON.parse(deleted?.changes ?? "")).toEqual({
      description: { from: "Ours.", to: null },
    });
    expectProblem(await deletePermission(admin, name), 404, "permission_not_found");
    expect((await send("/v1/auth/me", { token: admin.token })).body.permissions).not.toContain(
      name,
    );
  });

  it("deletes nothing if the caller loses roles:write between read and write", async () => {
    const builder = await createHolder("roles:write");
    const name = await newPermission(admin);
    const bindings = beforeStatement(/^delete from "custom_permissions"/, () =>
      setRole(builder, "user"),
    );
    expectProblem(await deletePermission(builder, name, { bindings }), 403, "forbidden");
    expect(await isStored(name)).toBe(true);
    expect(await grantsOf(admin, "admin")).toContain(name);
    expect(await actionsOn(name)).toEqual(["permission.created"]);
  });

  it("returns 409 permission_in_use while a role other than `admin` holds it", async () => {
    const name = await newPermission(admin);
    const { body: role } = await createRoleWith(admin, [name]);
    expectProblem(await deletePermission(admin, name), 409, "permission_in_use");
    expect(await grantsOf(admin, "admin")).toContain(name);
    await send(`/v1/roles/${role.name}`, { method: "DELETE", token: admin.token });
    expect((await deletePermission(admin, name)).status).toBe(204);
  });

  it.each([
    ["revoked", "UPDATE api_keys SET revoked_at = 1 WHERE id = ?"],
    ["expired", "UPDATE api_keys SET expires_at = 1 WHERE id = ?"],
  ])("returns 409 permission_in_use while a key holds it that is not %s", async (_, end) => {
    const name = await newPermission(admin);
    const { id } = await createTestKey(admin, [name]);
    expectProblem(await deletePermission(admin, name), 409, "permission_in_use");
    await sqlRun(end, id);
    expect((await deletePermission(admin, name)).status).toBe(204);
  });

  it("is not fooled by a name that starts or ends like another", async () => {
    const name = await newPermission(admin);
    const { body: role } = await createRoleWith(admin, [`${name}.more`]);
    expect(role.code).toBe("validation_failed");
    await createPermission(admin, `${name}.more`);
    await createPermission(admin, `x.${name}`);
    await createRoleWith(admin, [`${name}.more`, `x.${name}`]);
    expect((await deletePermission(admin, name)).status).toBe(204);
  });

  it("returns 409 system_permission for Roster's own, 404 for an unknown name and 422 for a malformed one", async () => {
    expectProblem(await deletePermission(admin, "users:read"), 409, "system_permission");
    for (const name of ["invoices:nothing", "users:rule", "me:read"]) {
      expectProblem(await deletePermission(admin, name), 404, "permission_not_found");
    }
    expectProblem(await deletePermission(admin, "Invoices"), 422, "validation_failed");
  });
});
