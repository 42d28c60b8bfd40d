import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  auditOf,
  createRoleRow,
  createTestUser,
  newAccount,
  sqlAll,
  sqlRun,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

/** The statement that inserts a user. */
const INSERT = /^insert into "users"/;

describe("POST /v1/users", () => {
  it("returns 201 with the user, Location and ETag", async () => {
    const { token } = await createTestUser("admin");
    const account = newAccount({ first_name: "Ada", last_name: "Lovelace" });
    const answer = await send("/v1/users", { token, body: account });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Location")).toBe(`/v1/users/${answer.body.id}`);
    expect(answer.headers.get("ETag")).toBe(`"1-${answer.body.id.slice(-12)}"`);
    expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
    expect(answer.body).toEqual({
      id: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
      username: account.username,
      email: account.email,
      email_verified: false,
      first_name: "Ada",
      last_name: "Lovelace",
      full_name: "Ada Lovelace",
      role: "user",
      is_active: true,
      has_password: true,
      mfa_enabled: false,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: answer.body.created_at,
      last_login_at: null,
      deleted_at: null,
    });
  });

  it("creates a user who can log in unless is_active is false", async () => {
    const { token } = await createTestUser("admin");
    const active = newAccount();
    const inactive = newAccount({ is_active: false });
    for (const body of [active, inactive]) await send("/v1/users", { token, body });
    const logIn = ({ username, password }: typeof active) =>
      send("/v1/auth/login", { body: { username, password } });
    expect((await logIn(active)).status).toBe(200);
    expectProblem(await logIn(inactive), 401, "invalid_credentials");
  });

  it("records user.created once, with the actor and without a secret", async () => {
    const admin = await createTestUser("admin");
    const account = newAccount({ role: "moderator" });
    const { body } = await send("/v1/users", { token: admin.token, body: account });
    const rows = await auditOf(body.id);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      action: "user.created",
      actor_type: "user",
      actor_id: admin.id,
      target_type: "user",
      ip: "203.0.113.7",
    });
    expect(JSON.parse(rows[0]?.changes ?? "{}")).toMatchObject({
      role: { from: null, to: "moderator" },
    });
    expect(rows[0]?.changes).not.toContain(account.password);
    expect(rows[0]?.changes).not.toContain("pbkdf2");
  });

  it.each([
    ["email", (taken: ReturnType<typeof newAccount>) => ({ email: taken.email.toUpperCase() })],
    [
      "username",
      (taken: ReturnType<typeof newAccount>) => ({ username: taken.username.toUpperCase() }),
    ],
  ])(
    "returns 409 %s_taken for a value that differs only in case, and records nothing",
    async (field, overlap) => {
      const { token } = await createTestUser("admin");
      const taken = newAccount();
      await send("/v1/users", { token, body: taken });
      const events = () => sqlAll("SELECT id FROM audit_events ORDER BY id");
      const before = await events();
      const answer = await send("/v1/users", { token, body: newAccount(overlap(taken)) });
      expectProblem(answer, 409, `${field}_taken`);
      const made = await send(`/v1/users?limit=100`, { token });
      const same = made.body.data.filter(
        (user: { email: string; username: string }) =>
          user.email.toLowerCase() === taken.email ||
          user.username.toLowerCase() === taken.username,
      );
      expect(same).toHaveLength(1);
      expect(await events()).toEqual(before);
    },
  );

  it("returns 422 with an entry for each fault", async () => {
    const { token } = await createTestUser("admin");
    const answer = await send("/v1/users", {
      token,
      body: {
        username: "a!",
        email: "nobody",
        password: "short",
        first_name: 7,
        is_active: "yes",
        id: "x",
      },
    });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual([
      "email invalid_format",
      "first_name invalid_type",
      "id unknown_field",
      "is_active invalid_type",
      "password too_short",
      "username invalid_format",
      "username too_short",
    ]);
  });

  it("names every required field if the body is empty or missing", async () => {
    const { token } = await createTestUser("admin");
    const required = ["email required", "username required"];
    const empty = await send("/v1/users", { token, body: {} });
    const none = await send("/v1/users", { token, method: "POST" });
    for (const answer of [empty, none]) {
      expectProblem(answer, 422, "validation_failed");
      expect(faultsOf(answer)).toEqual(required);
    }
  });

  it.each([
    "email_verified",
    "id",
    "deleted_at",
    "password_hash",
    "created_at",
    "full_name",
    "version",
  ])("returns 422 if the body sets %s", async (field) => {
    const { token } = await createTestUser("admin");
    const answer = await send("/v1/users", { token, body: newAccount({ [field]: "x" }) });
    expect(faultsOf(answer)).toEqual([`${field} unknown_field`]);
  });

  it("returns 422 unknown_role for a role that does not exist", async () => {
    const { token } = await createTestUser("admin");
    const answer = await send("/v1/users", { token, body: newAccount({ role: "emperor" }) });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["role unknown_role"]);
  });

  it("assigns a role only with roles:assign", async () => {
    await createRoleRow("creator", ["users:create", "users:read"]);
    const { token } = await createTestUser("creator");
    expect((await send("/v1/users", { token, body: newAccount({ role: "user" }) })).status).toBe(
      201,
    );
    expectProblem(
      await send("/v1/users", { token, body: newAccount({ role: "moderator" }) }),
      403,
      "forbidden",
    );
  });

  it("returns 403 privilege_escalation for a role beyond the creator's permissions", async () => {
    await createRoleRow("assigner", ["users:create", "roles:assign"]);
    const { token } = await createTestUser("assigner");
    const body = newAccount({ role: "admin" });
    expectProblem(await send("/v1/users", { token, body }), 403, "privilege_escalation");
    const again = await send("/v1/users", { token, body: { ...body, role: "user" } });
    expect(again.status).toBe(201);
  });

  it("creates nothing if the creator loses the permission while the password is hashed", async () => {
    const { token, id } = await createTestUser("admin");
    const body = newAccount();
    const demote = () => sqlRun("UPDATE users SET role = 'user' WHERE id = ?", id);
    const bindings = beforeStatement(INSERT, demote);
    expectProblem(await send("/v1/users", { token, body, bindings }), 403, "forbidden");
    expect((await send("/v1/auth/register", { body })).status).toBe(201);
  });

  it("creates nothing if the role gains a permission that the creator lacks while the password is hashed", async () => {
    await createRoleRow("growing", []);
    await createRoleRow("granter", ["users:create", "roles:assign"]);
    const { token } = await createTestUser("granter");
    const body = newAccount({ role: "growing" });
    const grow = () =>
      sqlRun("UPDATE roles SET permissions = ? WHERE name = 'growing'", '["audit:read"]');
    const bindings = beforeStatement(INSERT, grow);
    expectProblem(await send("/v1/users", { token, body, bindings }), 403, "privilege_escalation");
    expect(await sqlAll("SELECT id FROM users WHERE email_key = ?", body.email)).toEqual([]);
  });

  it("returns 401 without a token and 403 without users:create, before validating the body", async () => {
    expectProblem(await send("/v1/users", { body: newAccount() }), 401, "unauthenticated");
    for (const role of ["user", "moderator"]) {
      const { token } = await createTestUser(role);
      expectProblem(await send("/v1/users", { token, body: { x: 1 } }), 403, "forbidden");
    }
  });
});
