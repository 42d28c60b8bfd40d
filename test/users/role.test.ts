import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import {
  ALL_REFUSED,
  auditOf,
  changesOn,
  createRoleRow,
  createTestUser,
  logIn,
  statusesOf,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

const assign = (id: string, token: string | undefined, body: unknown = { role: "moderator" }) =>
  send(`/v1/users/${id}/role`, { method: "PUT", body, ...(token && { token }) });

describe("PUT /v1/users/{id}/role", () => {
  it("returns 200 with the user in the new role and records user.role_changed", async () => {
    const { id } = await createTestUser();
    const admin = await createTestUser("admin");
    const answer = await assign(id, admin.token);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id, role: "moderator" });
    expect(answer.headers.get("ETag")).toMatch(/^"\d+-[0-9a-f]{12}"$/);
    const [event] = (await auditOf(id)).slice(-1);
    expect(event).toMatchObject({ action: "user.role_changed", actor_id: admin.id });
    expect(JSON.parse(event?.changes ?? "{}")).toEqual({ role: { from: "user", to: "moderator" } });
  });

  it("ends every session of the user immediately", async () => {
    const user = await createTestUser();
    const second = await logIn(user.username);
    const { token } = await createTestUser("admin");
    await assign(user.id, token);
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    expect(await statusesOf(second)).toEqual(ALL_REFUSED);
  });

  it("ends them for a role change by PATCH too", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser("admin");
    await send(`/v1/users/${user.id}`, { method: "PATCH", token, body: { role: "moderator" } });
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
  });

  it("applies the new role after the next login", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser("admin");
    await assign(user.id, token);
    const next = await logIn(user.username);
    expect((await send("/v1/users", { token: next.token })).status).toBe(200);
  });

  it("treats the current role as no change: sessions remain and nothing is recorded", async () => {
    const user = await createTestUser("moderator");
    const { token } = await createTestUser("admin");
    expect((await assign(user.id, token)).status).toBe(200);
    expect(await statusesOf(user)).toEqual({ write: 200, read: 200, refresh: 200 });
    expect(await changesOn(user.id)).toEqual(["user.created"]);
  });

  it("returns 403 privilege_escalation for a role beyond the caller's permissions", async () => {
    await createRoleRow("assigner", ["roles:assign", "users:read"]);
    const { id } = await createTestUser();
    const { token } = await createTestUser("assigner");
    expectProblem(await assign(id, token), 403, "privilege_escalation");
    expect(await changesOn(id)).toEqual(["user.created"]);
    await createRoleRow("reader", ["users:read"]);
    expect((await assign(id, token, { role: "reader" })).status).toBe(200);
  });

  it("returns 403 privilege_escalation for a user who holds more permissions than the caller", async () => {
    await createRoleRow("demoter", ["roles:assign"]);
    const boss = await createTestUser("admin");
    const { token } = await createTestUser("demoter");
    expectProblem(await assign(boss.id, token, { role: "user" }), 403, "privilege_escalation");
  });

  it("returns 403 privilege_escalation if callers promote themselves", async () => {
    await createRoleRow("climber", ["roles:assign"]);
    const { token } = await createTestUser("climber");
    expectProblem(await assign("me", token, { role: "admin" }), 403, "privilege_escalation");
  });

  it("returns 404 for an unknown user", async () => {
    const { token } = await createTestUser("admin");
    expectProblem(await assign(UNKNOWN_ID, token), 404, "user_not_found");
  });

  it("returns 401 without a token, and 403 without roles:assign before checking existence and validity", async () => {
    const { id } = await createTestUser();
    expectProblem(await assign(id, undefined), 401, "unauthenticated");
    for (const role of ["user", "moderator"]) {
      const { token } = await createTestUser(role);
      for (const target of [id, UNKNOWN_ID, "me"]) {
        expectProblem(await assign(target, token, { x: 1 }), 403, "forbidden");
      }
    }
  });

  it.each([
    [{}, ["role required"]],
    [{ role: null }, ["role invalid_type"]],
    [{ role: "Admin" }, ["role invalid_format"]],
    [{ role: "emperor" }, ["role unknown_role"]],
    [{ role: "user", is_active: true }, ["is_active unknown_field"]],
  ])("returns 422 for %j", async (body, faults) => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    const answer = await assign(id, token, body);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(faults);
  });
});

describe("is_active", () => {
  it("ends refresh, writes and reads of every session immediately when set to false", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser("moderator");
    await send("/v1/auth/me", { token: user.token });
    const body = { is_active: false };
    const answer = await send(`/v1/users/${user.id}`, { method: "PATCH", token, body });
    expect(answer.body.is_active).toBe(false);
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(JSON.parse(event?.changes ?? "{}")).toEqual({ is_active: { from: true, to: false } });
  });

  it("lets the user log in again when set to true, with the old sessions still ended", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser("moderator");
    for (const is_active of [false, true]) {
      await send(`/v1/users/${user.id}`, { method: "PATCH", token, body: { is_active } });
    }
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    expect((await logIn(user.username)).token).toBeTruthy();
  });
});
