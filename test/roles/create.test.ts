import { describe, expect, it } from "vitest";
import { PERMISSION_NAMES } from "../../src/access/permissions.ts";
import { send } from "../support/api.ts";
import { createHolder } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  actionsOn,
  auditOf,
  createRoleRow,
  createTestUser,
  sqlAll,
  sqlRun,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

let counter = 0;
const newName = () => {
  counter += 1;
  return `role-${counter}`;
};

const create = (token: string | undefined, body: unknown, more = {}) =>
  send("/v1/roles", { body, ...(token && { token }), ...more });

const INSERT = /^insert into "roles"/;

const roleRows = (name: string) => sqlAll("SELECT name FROM roles WHERE name = ?", name);

describe("POST /v1/roles", () => {
  it("returns 201 with the role and its Location, and records role.created", async () => {
    const admin = await createTestUser("admin");
    const name = newName();
    const body = { name, description: " Helps. ", permissions: ["users:read", "sessions:read"] };
    const answer = await create(admin.token, body);
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Location")).toBe(`/v1/roles/${name}`);
    expect(answer.body).toMatchObject({
      name,
      description: "Helps.",
      permissions: ["sessions:read", "users:read"],
      is_system: false,
    });
    expect((await send(`/v1/roles/${name}`, { token: admin.token })).body).toEqual(answer.body);
    const [event, ...others] = await auditOf(name);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      action: "role.created",
      actor_type: "user",
      actor_id: admin.id,
      target_type: "role",
      request_id: answer.headers.get("X-Request-Id"),
    });
    expect(JSON.parse(event?.changes ?? "")).toEqual({
      description: { from: null, to: "Helps." },
      permissions: { from: null, to: "sessions:read users:read" },
    });
  });

  it("accepts duplicate permissions as one, and a role without permissions", async () => {
    const { token } = await createTestUser("admin");
    const twice = { name: newName(), permissions: ["users:read", "users:read"] };
    expect((await create(token, twice)).body.permissions).toEqual(["users:read"]);
    const none = { name: newName(), permissions: [] };
    expect((await create(token, none)).body).toMatchObject({ permissions: [], description: "" });
  });

  it.each(["user", "moderator", "admin"])("returns 409 role_exists for %s", async (name) => {
    const { token } = await createTestUser("admin");
    expectProblem(await create(token, { name, permissions: [] }), 409, "role_exists");
    expect(await actionsOn(name)).toEqual([]);
  });

  it("returns 409 role_exists for a taken name, and leaves the role unchanged", async () => {
    const { token } = await createTestUser("admin");
    const name = newName();
    const first = await create(token, { name, permissions: ["users:read"] });
    const second = await create(token, { name, description: "x", permissions: ["users:delete"] });
    expectProblem(second, 409, "role_exists");
    expect((await send(`/v1/roles/${name}`, { token })).body).toEqual(first.body);
    expect(await actionsOn(name)).toEqual(["role.created"]);
  });

  it("creates one role for concurrent requests with one name, and returns 409 to the others", async () => {
    const { token } = await createTestUser("admin");
    const name = newName();
    const answers = await Promise.all(
      PERMISSION_NAMES.map((permission) => create(token, { name, permissions: [permission] })),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status !== 201) expectProblem(answer, 409, "role_exists");
    }
    const { body } = await send(`/v1/roles/${name}`, { token });
    expect(body).toEqual(made[0]?.body);
    expect(await actionsOn(name)).toEqual(["role.created"]);
  });

  it("returns 403 privilege_escalation for a permission that the caller lacks, and creates nothing", async () => {
    const { token } = await createHolder("roles:write", "users:read");
    const name = newName();
    for (const permissions of [["users:delete"], ["users:read", "roles:assign"]]) {
      expectProblem(await create(token, { name, permissions }), 403, "privilege_escalation");
    }
    expect(await roleRows(name)).toEqual([]);
    expect(await actionsOn(name)).toEqual([]);
    expect((await create(token, { name, permissions: ["users:read"] })).status).toBe(201);
  });

  it.each([
    ["roles:write", "forbidden"],
    ["users:read", "privilege_escalation"],
  ])("returns 403 if the caller loses %s between read and write: %s", async (lost, code) => {
    const held = ["audit:read", "roles:write", "users:read"];
    const role = newName();
    await createRoleRow(role, held);
    const caller = await createTestUser(role);
    const name = newName();
    const left = JSON.stringify(held.filter((permission) => permission !== lost));
    const bindings = beforeStatement(INSERT, () =>
      sqlRun("UPDATE roles SET permissions = ? WHERE name = ?", left, role),
    );
    const body = { name, permissions: ["users:read"] };
    expectProblem(await create(caller.token, body, { bindings }), 403, code);
    expect(await roleRows(name)).toEqual([]);
    expect(await actionsOn(name)).toEqual([]);
  });

  it("returns 401 if the caller's session ends between read and write", async () => {
    const maker = await createTestUser("admin");
    const name = newName();
    const bindings = beforeStatement(INSERT, () =>
      send("/v1/auth/logout", { method: "POST", token: maker.token }),
    );
    const answer = await create(maker.token, { name, permissions: [] }, { bindings });
    expectProblem(answer, 401, "unauthenticated");
    expect(await roleRows(name)).toEqual([]);
  });

  it.each([
    [{}, ["name required", "permissions required"]],
    [{ name: "Big", permissions: [] }, ["name invalid_format"]],
    [{ name: "a".repeat(51), permissions: [] }, ["name invalid_format"]],
    [{ name: "x", permissions: ["users:rule"] }, ["permissions.0 invalid_value"]],
    [{ name: "x", permissions: "users:read" }, ["permissions invalid_type"]],
    [{ name: "x", permissions: [], description: "d".repeat(501) }, ["description too_long"]],
    [{ name: "x", permissions: [], description: "a\u202eb" }, ["description invalid_characters"]],
    [{ name: "x", permissions: [], is_system: true }, ["is_system unknown_field"]],
  ])("returns 422 for %j", async (body, faults) => {
    const { token } = await createTestUser("admin");
    const answer = await create(token, body);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(faults);
  });

  it("returns 401 without a token, and 403 without roles:write before validation", async () => {
    expectProblem(await create(undefined, {}), 401, "unauthenticated");
    const { token } = await createTestUser("moderator");
    expectProblem(await create(token, {}), 403, "forbidden");
  });
});
