import { describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import {
  auditOf,
  changesOn,
  createRoleRow,
  createTestUser,
  newAccount,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const NOBODY = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

const patch = (id: string, token: string, body: unknown, options: RequestOptions = {}) =>
  send(`/v1/users/${id}`, { method: "PATCH", token, body, ...options });

/** The body that PUT needs, with everything as it is but the overrides. */
function wholeOf(user: TestUser, overrides: Record<string, unknown> = {}) {
  const { username, email } = user;
  const rest = { first_name: null, last_name: null, role: "user", is_active: true };
  return { username, email, ...rest, ...overrides };
}

describe("PATCH /v1/users/{id}", () => {
  it("lets people change their own username and names, and records what changed", async () => {
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

  it("changes what is named and leaves the rest", async () => {
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

  it("takes a change of case in one's own username", async () => {
    const { username, token } = await createTestUser();
    const { body } = await patch("me", token, { username: username.toUpperCase() });
    expect(body.username).toBe(username.toUpperCase());
  });

  it("takes unchanged values as no error, makes no new version and records nothing", async () => {
    const user = await createTestUser();
    const before = await send("/v1/users/me", { token: user.token });
    const rows = await changesOn(user.id);
    for (const body of [
      {},
      wholeOf(user),
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
  ])("answers 403 when people change their own %s, and changes nothing", async (_, body) => {
    const { id, token } = await createTestUser();
    expectProblem(await patch("me", token, { first_name: "Eve", ...body }), 403, "forbidden");
    expect((await send("/v1/users/me", { token })).body.first_name).toBeNull();
    expect(await changesOn(id)).toEqual(["user.created"]);
  });

  it("answers 403 when an admin changes their own email", async () => {
    const { token } = await createTestUser("admin");
    expectProblem(await patch("me", token, { email: "boss@example.com" }), 403, "forbidden");
  });

  it("lets users:update change another's email, which is then no longer verified", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("moderator");
    const { email } = newAccount();
    const answer = await patch(id, token, { email: email.toUpperCase() });
    expect(answer.body).toMatchObject({ email: email.toUpperCase(), email_verified: false });
    expect(
      (await send("/v1/auth/login", { body: { email, password: "SecurePass123!" } })).status,
    ).toBe(200);
  });

  it.each([
    ["email", (taken: TestUser) => ({ email: taken.email.toUpperCase() })],
    ["username", (taken: TestUser) => ({ username: taken.username.toUpperCase() })],
  ])(
    "answers 409 %s_taken when it differs only in case, and records nothing",
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

  it("answers 403 when a moderator, who lacks roles:assign, changes a role", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("moderator");
    expectProblem(await patch(id, token, { role: "moderator" }), 403, "forbidden");
    expect(await changesOn(id)).toEqual(["user.created"]);
  });

  it("records a role and a name changed at once as two events", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    expect((await patch(id, token, { role: "moderator", first_name: "Ada" })).body.role).toBe(
      "moderator",
    );
    expect(await changesOn(id)).toEqual(["user.created", "user.updated", "user.role_changed"]);
  });

  it("answers 422 unknown_role for a role that does not exist", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    expect(faultsOf(await patch(id, token, { role: "emperor" }))).toEqual(["role unknown_role"]);
  });

  it("answers 403 privilege_escalation to a moderator on an admin, whatever is changed", async () => {
    const boss = await createTestUser("admin");
    const { token } = await createTestUser("moderator");
    for (const body of [{ first_name: "x" }, { is_active: false }, {}]) {
      expectProblem(await patch(boss.id, token, body), 403, "privilege_escalation");
    }
    expect(await changesOn(boss.id)).toEqual(["user.created"]);
  });

  it("answers 403 privilege_escalation when one gives oneself a role above one's own", async () => {
    await createRoleRow("clerk", ["users:read", "users:update", "roles:assign"]);
    const { id, token } = await createTestUser("clerk");
    expectProblem(await patch("me", token, { role: "admin" }), 403, "privilege_escalation");
    expect((await send(`/v1/users/${id}`, { token })).body.role).toBe("clerk");
  });

  it("answers 403 to others without users:update whether the user exists or not, else 404", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser();
    for (const target of [id, NOBODY]) {
      expectProblem(await patch(target, token, { first_name: "x" }), 403, "forbidden");
    }
    const moderator = await createTestUser("moderator");
    expectProblem(await patch(NOBODY, moderator.token, { first_name: "x" }), 404, "user_not_found");
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
  ])("answers 422 when the body sets %s", async (field) => {
    const { token } = await createTestUser();
    const answer = await patch("me", token, { [field]: "x" });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual([`${field} unknown_field`]);
  });

  it("answers 401 without a token and 422 for a null username", async () => {
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

  it("lets people replace their own names when all else is as it was", async () => {
    const user = await createTestUser();
    const body = wholeOf(user, { first_name: "Ada" });
    const answer = await send("/v1/users/me", { method: "PUT", token: user.token, body });
    expect(answer.body).toMatchObject({ first_name: "Ada", role: "user", is_active: true });
  });

  it("answers 422 naming each missing field", async () => {
    const { token } = await createTestUser();
    const answer = await send("/v1/users/me", { method: "PUT", token, body: {} });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(
      ["email", "first_name", "is_active", "last_name", "role", "username"].map(
        (f) => `${f} required`,
      ),
    );
  });

  it("answers 401 without a token and 403 on another", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser();
    const request = { method: "PUT", body: wholeOf(user) };
    expectProblem(await send(`/v1/users/${user.id}`, request), 401, "unauthenticated");
    expectProblem(await send(`/v1/users/${user.id}`, { ...request, token }), 403, "forbidden");
  });
});
