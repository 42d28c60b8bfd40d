import { describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import {
  auditOf,
  changesOn,
  createRoleRow,
  createTestUser,
  newAccount,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { createMailbox, createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

const patch = (id: string, token: string, body: unknown, options: RequestOptions = {}) =>
  send(`/v1/users/${id}`, { method: "PATCH", token, body, ...options });

/** A PUT body with the current values, except for the overrides. */
function putBodyOf(user: TestUser, overrides: Record<string, unknown> = {}) {
  const { username, email } = user;
  const rest = { first_name: null, last_name: null, role: "user", is_active: true };
  return { username, email, ...rest, ...overrides };
}

describe("PATCH /v1/users/{id}", () => {
  it("lets users change their own username and names, and records the changes", async () => {
    const { id, username, token } = await createTestUser();
    const body = { username: `${username}.new`, first_name: " Ada ", last_name: "L" };
    const answer = await patch("me", token, body);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id, username: body.username, full_name: "Ada L" });
    expect(answer.headers.get("ETag")).toMatch(/^"\d+-[0-9a-f]{12}"$/);
    const [event] = (await auditOf(id)).slice(-1);
    expect(event).toMatchObject({ action: "user.updated", actor_id: id, actor_type: "user" });
    expect(JSON.parse(event?.changes ?? "{}")).toEqual({
      username: { from: username, to: body.username },
      first_name: { from: null, to: "Ada" },
      last_name: { from: null, to: "L" },
    });
  });

  it("changes the given fields and keeps the rest", async () => {
    const user = await createTestUser();
    await patch("me", user.token, { first_name: "Ada", last_name: "L" });
    const { body } = await patch("me", user.token, { last_name: null });
    expect(body).toMatchObject({
      first_name: "Ada",
      last_name: null,
      full_name: "Ada",
      email: user.email,
    });
  });

  it("accepts a change of case in the user's own username", async () => {
    const { username, token } = await createTestUser();
    const { body } = await patch("me", token, { username: username.toUpperCase() });
    expect(body.username).toBe(username.toUpperCase());
  });

  it("accepts unchanged values without a new version or an audit event", async () => {
    const user = await createTestUser();
    const before = await send("/v1/users/me", { token: user.token });
    const rows = await changesOn(user.id);
    for (const body of [
      {},
      putBodyOf(user),
      { role: "user" },
      { is_active: true },
      { email: user.email },
    ]) {
      const answer = await patch("me", user.token, body);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(before.body);
      expect(answer.headers.get("ETag")).toBe(before.headers.get("ETag"));
    }
    expect(await changesOn(user.id)).toEqual(rows);
  });

  it.each([
    ["email", { email: "else@example.com" }],
    ["role", { role: "admin" }],
    ["is_active", { is_active: false }],
  ])("returns 403 if users change their own %s, and changes nothing", async (_, body) => {
    const { id, token } = await createTestUser();
    expectProblem(await patch("me", token, { first_name: "Eve", ...body }), 403, "forbidden");
    expect((await send("/v1/users/me", { token })).body.first_name).toBeNull();
    expect(await changesOn(id)).toEqual(["user.created"]);
  });

  it("returns 403 if an admin changes their own email", async () => {
    const { token } = await createTestUser("admin");
    expectProblem(await patch("me", token, { email: "boss@example.com" }), 403, "forbidden");
  });

  it("lets credentials:manage change another user's email, which is then unverified", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    const { email } = newAccount();
    await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", id);
    expect((await send(`/v1/users/${id}`, { token })).body.email_verified).toBe(true);
    const answer = await patch(id, token, { email: email.toUpperCase() });
    expect(answer.body).toMatchObject({ email: email.toUpperCase(), email_verified: false });
    expect(
      (await send("/v1/auth/login", { body: { email, password: "SecurePass123!" } })).status,
    ).toBe(200);
  });

  it("keeps another user's email verified, and their sessions, if only its case changes", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    const { token } = await createTestUser("admin");
    const sent = box.calls();
    const body = { email: user.email.toUpperCase() };
    const answer = await patch(user.id, token, body, { bindings: box.bindings });
    expect(answer.body).toMatchObject({ ...body, email_verified: true });
    expect((await send("/v1/users/me", { token: user.token })).status).toBe(200);
    expect(box.calls()).toBe(sent);
  });

  it.each([
    ["email", (taken: TestUser) => ({ email: taken.email.toUpperCase() })],
    ["username", (taken: TestUser) => ({ username: taken.username.toUpperCase() })],
  ])(
    "returns 409 %s_taken for a value that differs only in case, and records nothing",
    async (field, body) => {
      const [user, taken, { token }] = [
        await createTestUser(),
        await createTestUser(),
        await createTestUser("admin"),
      ];
      expectProblem(await patch(user.id, token, body(taken)), 409, `${field}_taken`);
      expect(await changesOn(user.id)).toEqual(["user.created"]);
    },
  );

  it("returns 403 if a moderator, who lacks roles:assign, changes a role", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("moderator");
    expectProblem(await patch(id, token, { role: "moderator" }), 403, "forbidden");
    expect(await changesOn(id)).toEqual(["user.created"]);
  });

  it("records a role and a name changed together as two events", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    expect((await patch(id, token, { role: "moderator", first_name: "Ada" })).body.role).toBe(
      "moderator",
    );
    expect(await changesOn(id)).toEqual(["user.created", "user.updated", "user.role_changed"]);
  });

  it("returns 422 unknown_role for a role that does not exist", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    expect(faultsOf(await patch(id, token, { role: "emperor" }))).toEqual(["role unknown_role"]);
  });

  it("returns 403 privilege_escalation to a moderator for an admin, whatever is changed", async () => {
    const boss = await createTestUser("admin");
    const { token } = await createTestUser("moderator");
    for (const body of [{ first_name: "x" }, { is_active: false }, {}]) {
      expectProblem(await patch(boss.id, token, body), 403, "privilege_escalation");
    }
    expect(await changesOn(boss.id)).toEqual(["user.created"]);
  });

  it("returns 403 privilege_escalation if users assign themselves a role beyond their permissions", async () => {
    await createRoleRow("clerk", ["users:read", "users:update", "roles:assign"]);
    const { id, token } = await createTestUser("clerk");
    expectProblem(await patch("me", token, { role: "admin" }), 403, "privilege_escalation");
    expect((await send(`/v1/users/${id}`, { token })).body.role).toBe("clerk");
  });

  it("returns 403 without users:update whether or not the user exists, and 404 with it", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser();
    for (const target of [id, UNKNOWN_ID]) {
      expectProblem(await patch(target, token, { first_name: "x" }), 403, "forbidden");
    }
    const moderator = await createTestUser("moderator");
    expectProblem(
      await patch(UNKNOWN_ID, moderator.token, { first_name: "x" }),
      404,
      "user_not_found",
    );
  });

  it.each([
    "id",
    "email_verified",
    "deleted_at",
    "password_hash",
    "password",
    "full_name",
    "created_at",
    "version",
  ])("returns 422 if the body sets %s", async (field) => {
    const { token } = await createTestUser();
    const answer = await patch("me", token, { [field]: "x" });
    expectProblem(answer, 422, "validation_failed");
    const isSecret = ["password", "password_hash", "version"].includes(field);
    expect(faultsOf(answer)).toEqual([`${field} ${isSecret ? "unknown_field" : "read_only"}`]);
  });

  it("returns 401 without a token and 422 for a null username", async () => {
    expectProblem(
      await send("/v1/users/me", { method: "PATCH", body: {} }),
      401,
      "unauthenticated",
    );
    const { token } = await createTestUser();
    expect(faultsOf(await patch("me", token, { username: null }))).toEqual([
      "username invalid_type",
    ]);
  });
});

describe("PUT /v1/users/{id}", () => {
  it("replaces every field", async () => {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    const { username, email } = newAccount();
    const body = {
      username,
      email,
      first_name: "A",
      last_name: "",
      role: "moderator",
      is_active: false,
    };
    const answer = await send(`/v1/users/${user.id}`, { method: "PUT", token: admin.token, body });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ ...body, last_name: null });
    expect(await changesOn(user.id)).toContain("user.role_changed");
  });

  it("lets users replace their own names if the rest is unchanged", async () => {
    const user = await createTestUser();
    const body = putBodyOf(user, { first_name: "Ada" });
    const answer = await send("/v1/users/me", { method: "PUT", token: user.token, body });
    expect(answer.body).toMatchObject({ first_name: "Ada", role: "user", is_active: true });
  });

  it("returns 422 naming each missing field", async () => {
    const { token } = await createTestUser();
    const answer = await send("/v1/users/me", { method: "PUT", token, body: {} });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(
      ["email", "first_name", "is_active", "last_name", "role", "username"].map(
        (f) => `${f} required`,
      ),
    );
  });

  it("returns 401 without a token and 403 for another user", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser();
    const request = { method: "PUT", body: putBodyOf(user) };
    expectProblem(await send(`/v1/users/${user.id}`, request), 401, "unauthenticated");
    expectProblem(await send(`/v1/users/${user.id}`, { ...request, token }), 403, "forbidden");
  });
});
