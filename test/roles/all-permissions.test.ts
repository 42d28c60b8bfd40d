import { beforeAll, describe, expect, it } from "vitest";
import { MAX_CUSTOM_PERMISSIONS } from "../../src/access/permissions.ts";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, setRole } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  createRoleRow,
  createTestUser,
  logIn,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { createIntrospector, introspect } from "../support/introspection.ts";
import { expectProblem } from "../support/problems.ts";

let admin: TestUser;
let all: string[];

const put = (name: string, body: object) =>
  send(`/v1/roles/${name}`, { method: "PUT", token: admin.token, body });

beforeAll(async () => {
  await sqlRun(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO custom_permissions SELECT 'invoices:verb' || i, 'Ours.', 1 FROM n`,
    MAX_CUSTOM_PERMISSIONS,
  );
  await sqlRun(`UPDATE roles SET permissions = (SELECT json_group_array(name) FROM (SELECT value AS name FROM json_each(permissions)
    UNION SELECT name FROM custom_permissions ORDER BY 1)) WHERE name = 'admin'`);
  admin = await createTestUser("admin");
  all = (await send("/v1/roles/admin", { token: admin.token })).body.permissions;
});

describe("someone who holds all permissions that there can be", () => {
  it("creates and replaces roles that grant them all", async () => {
    expect(all.length).toBeGreaterThan(MAX_CUSTOM_PERMISSIONS);
    const created = await send("/v1/roles", {
      token: admin.token,
      body: { name: "everything", permissions: all },
    });
    expect(created.status).toBe(201);
    expect(created.body.permissions).toEqual(all);
    const replaced = await put("everything", { permissions: all.slice(1) });
    expect(replaced.status).toBe(200);
    expect(replaced.body.permissions).toEqual(all.slice(1));
  });

  it("creates, changes and rotates API keys with them all", async () => {
    const { id } = await createTestKey(admin, all.slice(1));
    const path = `/v1/api-keys/${id}`;
    const changed = await send(path, {
      method: "PATCH",
      token: admin.token,
      body: { scopes: all },
    });
    expect(changed.status).toBe(200);
    expect(changed.body.scopes).toEqual(all);
    const rotated = await send(`${path}/rotate`, { method: "POST", token: admin.token });
    expect(rotated.status).toBe(200);
  });

  it("has an access token that introspection takes", async () => {
    const { token } = await logIn(admin.username);
    const answer = await introspect(await createIntrospector(), token);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ active: true, scope: all.join(" ") });
  });

  it("sets require_mfa of a system role that grants them all", async () => {
    const { body } = await send("/v1/roles/admin", { token: admin.token });
    expect((await put("admin", { ...body, require_mfa: true })).status).toBe(200);
    await sqlRun("UPDATE roles SET require_mfa = 0 WHERE name = 'admin'");
  });
});

describe("a role that grants many permissions", () => {
  it("is not created by someone who lacks one of them, even if they lose it between read and write", async () => {
    const many = all.slice(0, 30);
    const [lost = "", ...others] = many;
    const body = { name: "many", permissions: many };
    const without = await createHolder("roles:write", ...others);
    const refused = await send("/v1/roles", { token: without.token, body });
    expectProblem(refused, 403, "privilege_escalation");
    const holder = await createHolder("roles:write", lost, ...others);
    await createRoleRow("narrower", ["roles:write", ...others]);
    const bindings = beforeStatement(/^insert into "roles"/, () => setRole(holder, "narrower"));
    const raced = await send("/v1/roles", { token: holder.token, body, bindings });
    expectProblem(raced, 403, "privilege_escalation");
    expect(await sqlAll("SELECT name FROM roles WHERE name = 'many'")).toEqual([]);
  });
});
