import { beforeAll, describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { createHolder, createTestKey, roleOf } from "../support/credentials.ts";
import { createTestUser, newAccount, PASSWORD, type TestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

describe("one 422 lists the faults of the schema and of the service together", () => {
  it("of a registration: password rules beside the fields", async () => {
    const body = newAccount({ password: "person", username: "person", is_admin: true, email: "x" });
    const answer = await send("/v1/auth/register", { body });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual([
      "email invalid_format",
      "is_admin unknown_field",
      "password contains_username",
      "password too_short",
    ]);
  });

  it("of a registration: the configured minimum length beside the other rules", async () => {
    const bindings = createIsolate({ PASSWORD_MIN_LENGTH: "12" });
    const body = newAccount({ password: "password1", extra: 1 });
    const answer = await send("/v1/auth/register", { body, bindings });
    expect(faultsOf(answer)).toEqual([
      "extra unknown_field",
      "password too_common",
      "password too_short",
    ]);
  });

  it("of a new user: an unknown role beside password and fields, in one round trip", async () => {
    const body = { username: "a!", email: "ada", password: "short", role: "emperor", x: 1 };
    const answer = await send("/v1/users", { body, token: admin.token });
    expect(faultsOf(answer)).toEqual([
      "email invalid_format",
      "password too_short",
      "role unknown_role",
      "username invalid_format",
      "username too_short",
      "x unknown_field",
    ]);
    expect(costOf(answer).queries).toBe(1);
    const semantic = newAccount({ password: "password1", role: "emperor" });
    expect(faultsOf(await send("/v1/users", { body: semantic, token: admin.token }))).toEqual([
      "password too_common",
      "role unknown_role",
    ]);
  });

  it("of a change of a user: unknown role, read-only and missing fields, and the path", async () => {
    const { id } = await createTestUser();
    const request = { method: "PUT", token: admin.token };
    const body = { username: "a!", role: "emperor", id: admin.id, email_verified: true, x: 1 };
    const answer = await send(`/v1/users/${id}?y=1`, { ...request, body });
    expect(faultsOf(answer)).toEqual([
      "email required",
      "email_verified read_only",
      "first_name required",
      "id read_only",
      "is_active required",
      "last_name required",
      "role unknown_role",
      "username invalid_format",
      "username too_short",
      "x unknown_field",
      "y unknown_field",
    ]);
    const wrongPath = await send("/v1/users/nobody", { ...request, body: { role: 7 } });
    expect(faultsOf(wrongPath)).toEqual(
      expect.arrayContaining(["id invalid_format", "role invalid_type", "username required"]),
    );
    const patch = { method: "PATCH", token: admin.token, body: { role: "emperor", x: 1 } };
    expect(faultsOf(await send(`/v1/users/${id}`, patch))).toEqual([
      "role unknown_role",
      "x unknown_field",
    ]);
    const assign = { method: "PUT", token: admin.token, body: { role: "emperor", x: 1 } };
    expect(faultsOf(await send(`/v1/users/${id}/role`, assign))).toEqual([
      "role unknown_role",
      "x unknown_field",
    ]);
  });

  it("of a role: every unknown permission beside the fields", async () => {
    const permissions = ["users:read", "nope:nope", "NOT A NAME", "me:read"];
    const created = await send("/v1/roles", {
      token: admin.token,
      body: { name: "X", permissions, x: 1 },
    });
    const unknown = [1, 2, 3].map((index) => `permissions.${index} invalid_value`);
    expect(faultsOf(created)).toEqual(["name invalid_format", ...unknown, "x unknown_field"]);
    const name = await roleOf([]);
    const replaced = await send(`/v1/roles/${name}`, {
      method: "PUT",
      token: admin.token,
      body: { permissions, description: 7, is_system: true },
    });
    expect(faultsOf(replaced)).toEqual([
      "description invalid_type",
      "is_system read_only",
      ...unknown,
    ]);
  });

  it("of an API key: unknown scopes and the expiry beside the fields", async () => {
    const body = { name: "", scopes: ["nope:nope", "me:read"], expires_at: "2020-01-01T00:00:00Z" };
    const faults = ["expires_at not_in_future", "name too_short", "scopes.0 invalid_value"];
    const created = await send("/v1/api-keys", { token: admin.token, body });
    expect(faultsOf(created)).toEqual(faults);
    const { id } = await createTestKey(admin, []);
    const patched = await send(`/v1/api-keys/${id}`, { method: "PATCH", token: admin.token, body });
    expect(faultsOf(patched)).toEqual(faults);
  });

  it("of a profile: the size of the merged metadata beside the fields", async () => {
    const { token } = await createTestUser();
    const path = "/v1/users/me/profile";
    await send(path, { method: "PUT", token, body: { metadata: { k: "x".repeat(4000) } } });
    const body = { metadata: { l: "x".repeat(200) }, phone: "x" };
    const answer = await send(path, { method: "PATCH", token, body });
    expect(faultsOf(answer)).toEqual(["metadata too_long", "phone invalid_format"]);
  });

  it("of a new password: the owner's names beside the fields, without an attempt being counted", async () => {
    const { token, username } = await createTestUser();
    const answer = await send("/v1/auth/password/change", {
      token,
      body: { new_password: `${username} 1815`, current_password: 7 },
    });
    expect(faultsOf(answer)).toEqual([
      "current_password invalid_type",
      "new_password contains_email",
      "new_password contains_username",
    ]);
    for (let i = 0; i < 12; i += 1) {
      const refused = await send("/v1/auth/password/change", {
        token,
        body: { new_password: username, current_password: PASSWORD },
      });
      expectProblem(refused, 422, "validation_failed");
    }
    const body = { new_password: "a different one", current_password: PASSWORD };
    expect((await send("/v1/auth/password/change", { token, body })).status).toBe(204);
  });

  it("of a reset: the owner's names beside the fields, and the token stays usable", async () => {
    const box = createMailbox();
    const { username, email } = await createMailUser(box);
    await flowsOf(box).forgot(email);
    const token = box.tokenTo(email);
    const { bindings } = box;
    const reset = (body: object) =>
      send("/v1/auth/password/reset", { body: { token, ...body }, bindings });
    expect(faultsOf(await reset({ password: `${username} 1815`, x: 1 }))).toEqual([
      "password contains_email",
      "password contains_username",
      "x unknown_field",
    ]);
    expect((await reset({ password: "a different one" })).status).toBe(204);
  });
});

describe("401 and 403 come before 422", () => {
  it("for the rule of the operation", async () => {
    const { token } = await createTestUser();
    const body = { username: "a!", role: "emperor", password: "short" };
    expectProblem(await send("/v1/users", { body }), 401, "unauthenticated");
    expectProblem(await send("/v1/users", { body, token }), 403, "forbidden");
  });

  it("for fields that are not the caller's to change, beside faults", async () => {
    const { token } = await createTestUser();
    const patch = (body: object) => send("/v1/users/me", { method: "PATCH", token, body });
    expectProblem(await patch({ role: "emperor", x: 1 }), 403, "forbidden");
    expectProblem(await patch({ is_active: false, username: "a!" }), 403, "forbidden");
    const email = await patch({ email: "new@example.com", x: 1 });
    expectProblem(email, 403, "forbidden");
    expect(email.body.detail).toContain("POST /v1/auth/email/change");
    const creator = await createHolder("users:create");
    const user = newAccount({ role: "admin", username: "a!" });
    expectProblem(await send("/v1/users", { body: user, token: creator.token }), 403, "forbidden");
  });

  it("for permissions that the caller does not hold, beside unknown ones", async () => {
    const { token } = await createHolder("roles:write");
    const body = { name: "clerks", permissions: ["users:erase", "nope:nope"] };
    expectProblem(await send("/v1/roles", { body, token }), 403, "privilege_escalation");
    const scopes = ["users:erase", "nope:nope"];
    const key = await send("/v1/api-keys", { body: { name: "x", scopes }, token });
    expectProblem(key, 403, "privilege_escalation");
  });

  it("for registration while it is closed", async () => {
    const bindings = createIsolate({ REGISTRATION: "closed" });
    const answer = await send("/v1/auth/register", { body: { username: 7 }, bindings });
    expectProblem(answer, 403, "registration_closed");
  });
});

describe("422 comes before 404 and 409", () => {
  it("for what the service finds of a user who does not exist, or of a name that is taken", async () => {
    const unknown = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";
    const patch = { method: "PATCH", token: admin.token, body: { role: "emperor", x: 1 } };
    expect(faultsOf(await send(`/v1/users/${unknown}`, patch))).toEqual(["x unknown_field"]);
    const { username } = await createTestUser();
    const body = newAccount({ username, role: "emperor" });
    expect(faultsOf(await send("/v1/users", { token: admin.token, body }))).toEqual([
      "role unknown_role",
    ]);
  });
});

describe("the messages of faults", () => {
  const messagesOf = async (path: string, options: Parameters<typeof send>[1]) => {
    const { errors } = (await send(path, options)).body;
    return errors.map(
      ({ path: at, message }: { path: string; message: string }) => `${at}: ${message}`,
    );
  };

  it("say what is missing of a login with an empty object", async () => {
    expect(await messagesOf("/v1/auth/login", { body: {} })).toEqual([
      "password: Required.",
      "username: Send either a username or an email.",
    ]);
  });

  it("are sentences of this API, not of a library", async () => {
    const { token } = admin;
    expect(await messagesOf("/v1/users?limit=0&deleted=1", { token })).toEqual([
      "limit: Must be at least 1.",
      "deleted: Must be `true` or `false`.",
    ]);
    expect(await messagesOf("/v1/users?limit=101", { token })).toEqual([
      "limit: Must be at most 100.",
    ]);
    expect(await messagesOf("/v1/users?limit=-1", { token })).toEqual([
      "limit: Must be at least 1.",
    ]);
    expect(
      await messagesOf("/v1/users?limit=1&limit=2&deleted=true&deleted=true", { token }),
    ).toEqual(["limit: Must be sent only once.", "deleted: Must be sent only once."]);
    expect(await messagesOf("/v1/auth/refresh", { body: { refresh_token: "" } })).toEqual([
      "refresh_token: Must have at least 1 character.",
    ]);
    const key = { name: 7, scopes: {}, expires_at: "soon" };
    expect(await messagesOf("/v1/api-keys", { token, body: key })).toEqual([
      "name: Must be a string.",
      "scopes: Must be a list.",
      "expires_at: Must be a time as in RFC 3339, such as 2026-11-20T08:00:00Z.",
    ]);
    expect(
      await messagesOf("/v1/users/me", { method: "PATCH", token, body: { is_active: 1 } }),
    ).toEqual(["is_active: Must be true or false."]);
    expect(await messagesOf("/v1/auth/refresh", { body: [] })).toEqual([": Must be an object."]);
  });

  it("refuse an address that is none in a request for a reset", async () => {
    const answer = await send("/v1/auth/password/forgot", { body: { email: "nope" } });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["email invalid_format"]);
  });
});
