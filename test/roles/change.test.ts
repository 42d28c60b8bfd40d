import { describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { createHolder } from "../support/credentials.ts";
import {
  actionsOn,
  auditOf,
  createTestUser,
  newRole,
  sqlAll,
  sqlRun,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const SYSTEM = ["user", "moderator", "admin"];

const replace = (name: string, token: string | undefined, body: unknown) =>
  send(`/v1/roles/${name}`, { method: "PUT", body, ...(token && { token }) });

const remove = (name: string, token: string | undefined) =>
  send(`/v1/roles/${name}`, { method: "DELETE", ...(token && { token }) });

async function grantsOf(name: string): Promise<string[]> {
  const [role] = await sqlAll<{ permissions: string }>(
    "SELECT permissions FROM roles WHERE name = ?",
    name,
  );
  if (!role) throw new Error(`no role ${name}`);
  return JSON.parse(role.permissions) as string[];
}

const exists = async (name: string) =>
  (await sqlAll("SELECT name FROM roles WHERE name = ?", name)).length > 0;

describe("PUT /v1/roles/{name}", () => {
  it("returns 200 with the updated role and records role.updated", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole(["users:read", "sessions:read"]);
    const body = { description: "Audits.", permissions: ["users:read", "audit:read"] };
    const answer = await replace(name, admin.token, body);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      name,
      description: "Audits.",
      permissions: ["audit:read", "users:read"],
    });
    expect(answer.body.updated_at > answer.body.created_at).toBe(true);
    expect(await grantsOf(name)).toEqual(["audit:read", "users:read"]);
    const [event, ...others] = await auditOf(name);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      action: "role.updated",
      actor_id: admin.id,
      target_type: "role",
    });
    expect(JSON.parse(event?.changes ?? "")).toEqual({
      description: { from: "", to: "Audits." },
      permissions: { from: "sessions:read users:read", to: "audit:read users:read" },
    });
  });

  it("changes and records nothing if the role is already as requested", async () => {
    const { token } = await createTestUser("admin");
    const name = await newRole(["users:read"]);
    const answer = await replace(name, token, { permissions: ["users:read", "users:read"] });
    expect(answer.status).toBe(200);
    expect(answer.body.permissions).toEqual(["users:read"]);
    expect(await auditOf(name)).toEqual([]);
  });

  it("clears an omitted description", async () => {
    const { token } = await createTestUser("admin");
    const name = await newRole();
    await replace(name, token, { description: "Long.", permissions: [] });
    expect((await replace(name, token, { permissions: [] })).body.description).toBe("");
  });

  it.each(SYSTEM)("returns 409 system_role for %s and changes nothing", async (name) => {
    const { token } = await createTestUser("admin");
    const before = await grantsOf(name);
    const answer = await replace(name, token, { permissions: ["users:read"] });
    expectProblem(answer, 409, "system_role");
    expect(await grantsOf(name)).toEqual(before);
    expect(await actionsOn(name)).toEqual([]);
  });

  it("returns 403 privilege_escalation for adding a permission that the caller lacks", async () => {
    const { token } = await createHolder("roles:write", "users:read");
    const name = await newRole(["users:read"]);
    const answer = await replace(name, token, { permissions: ["users:read", "users:delete"] });
    expectProblem(answer, 403, "privilege_escalation");
    expect(await grantsOf(name)).toEqual(["users:read"]);
  });

  it("returns 403 privilege_escalation for a role that grants what the caller lacks", async () => {
    const { token } = await createHolder("roles:write", "users:read");
    const name = await newRole(["users:delete"]);
    for (const permissions of [[], ["users:read"]]) {
      expectProblem(await replace(name, token, { permissions }), 403, "privilege_escalation");
    }
    expect(await grantsOf(name)).toEqual(["users:delete"]);
    expect(await actionsOn(name)).toEqual([]);
  });

  it("does not let callers add to their own role", async () => {
    const name = await newRole(["roles:write"]);
    const { token } = await createTestUser(name);
    const permissions = ["roles:write", "users:erase"];
    expectProblem(await replace(name, token, { permissions }), 403, "privilege_escalation");
    expect(await grantsOf(name)).toEqual(["roles:write"]);
  });

  it("returns 404 for a role that does not exist, and creates none", async () => {
    const { token } = await createTestUser("admin");
    expectProblem(await replace("nobodys", token, { permissions: [] }), 404, "role_not_found");
    expect(await exists("nobodys")).toBe(false);
  });

  it("returns 401 without a token, and 403 without roles:write before checking existence and validity", async () => {
    const { token } = await createTestUser("moderator");
    for (const name of [await newRole(), "admin", "nobodys"]) {
      expectProblem(await replace(name, undefined, {}), 401, "unauthenticated");
      expectProblem(await replace(name, token, { x: 1 }), 403, "forbidden");
    }
  });

  it.each([
    [{}, ["permissions required"]],
    [{ name: "other", permissions: [] }, ["name read_only"]],
    [{ permissions: [null] }, ["permissions.0 invalid_type"]],
    [{ permissions: ["__proto__"] }, ["permissions.0 invalid_value"]],
    [{ permissions: [], description: null }, ["description invalid_type"]],
  ])("returns 422 for %j", async (body, faults) => {
    const { token } = await createTestUser("admin");
    const answer = await replace(await newRole(), token, body);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(faults);
  });
});

describe("DELETE /v1/roles/{name}", () => {
  it("returns 204 and records role.deleted with the permissions of the role", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole(["users:read", "audit:read"]);
    expect((await remove(name, admin.token)).status).toBe(204);
    expect(await exists(name)).toBe(false);
    const [event, ...others] = await auditOf(name);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ action: "role.deleted", actor_id: admin.id });
    expect(JSON.parse(event?.changes ?? "")).toEqual({
      permissions: { from: "audit:read users:read", to: null },
    });
    expectProblem(await remove(name, admin.token), 404, "role_not_found");
    expect(await actionsOn(name)).toEqual(["role.deleted"]);
  });

  it.each(SYSTEM)("returns 409 system_role for %s", async (name) => {
    const { token } = await createTestUser("admin");
    expectProblem(await remove(name, token), 409, "system_role");
    expect(await exists(name)).toBe(true);
  });

  it.each([
    ["active", "UPDATE users SET is_active = 1 WHERE id = ?"],
    ["deactivated", "UPDATE users SET is_active = 0 WHERE id = ?"],
  ])("returns 409 role_in_use while a user who is %s has the role", async (_, change) => {
    const { token } = await createTestUser("admin");
    const name = await newRole(["users:read"]);
    const { id } = await createTestUser(name);
    await sqlRun(change, id);
    expectProblem(await remove(name, token), 409, "role_in_use");
    expect(await grantsOf(name)).toEqual(["users:read"]);
    expect(await actionsOn(name)).toEqual([]);
    await sqlRun("UPDATE users SET role = 'user' WHERE id = ?", id);
    expect((await remove(name, token)).status).toBe(204);
  });

  it("returns 403 privilege_escalation for a role that grants what the caller lacks", async () => {
    const { token } = await createHolder("roles:write", "users:read");
    const name = await newRole(["users:delete"]);
    expectProblem(await remove(name, token), 403, "privilege_escalation");
    expect(await exists(name)).toBe(true);
    expect((await remove(await newRole(["users:read"]), token)).status).toBe(204);
  });

  it("returns 401 without a token, and 403 without roles:write whether or not the role exists", async () => {
    const { token } = await createTestUser("moderator");
    const answers: Answer[] = [];
    for (const name of [await newRole(), "admin", "nobodys"]) {
      expectProblem(await remove(name, undefined), 401, "unauthenticated");
      answers.push(await remove(name, token));
    }
    for (const answer of answers) expectProblem(answer, 403, "forbidden");
    expect(new Set(answers.map(({ body }) => body.detail)).size).toBe(1);
  });
});
