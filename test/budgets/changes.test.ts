import { describe, it } from "vitest";
import { send } from "../support/api.ts";
import { expectWithin, PRODUCTION_LIMITS, withProductionLimits } from "../support/budgets.ts";
import { createTestKey } from "../support/credentials.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { createMailbox } from "../support/mail.ts";

const CHANGE = { trips: 2, rowsRead: 24, rowsWritten: 5, kv: 0 };

describe("changes cost two round trips", () => {
  it.each([
    ["PATCH", "/v1/users/me", { first_name: "Ada" }],
    ["PATCH", "/v1/users/me/profile", { bio: "Counts." }],
    ["PUT", "/v1/users/me/profile", { bio: "Counts." }],
  ])("%s %s %j", async (method, path, body) => {
    const { token } = await createTestUser();
    expectWithin(
      await send(path, { method, token, body, bindings: withProductionLimits() }),
      CHANGE,
    );
  });

  // A new username has an entry in a unique index and in that of its sort as well.
  it("PATCH /v1/users/me, with a new username", async () => {
    const { token } = await createTestUser();
    const body = { username: "another_name" };
    const options = { method: "PATCH", token, body, bindings: withProductionLimits() };
    expectWithin(await send("/v1/users/me", options), { ...CHANGE, rowsWritten: 7 });
  });

  // Three are of the audit event, which has an entry for its actor, and two of the time of the change, for lists of a role.
  it("PUT /v1/users/{id}, by an administrator", async () => {
    const { token } = await createTestUser("admin");
    const target = await createTestUser("moderator");
    const { username, email } = target;
    const body = {
      username,
      email,
      first_name: "Grace",
      last_name: null,
      role: "moderator",
      is_active: true,
    };
    const options = { method: "PUT", token, body, bindings: withProductionLimits() };
    expectWithin(await send(`/v1/users/${target.id}`, options), { ...CHANGE, rowsWritten: 7 });
  });
});

describe("API keys, roles and permissions cost two round trips", () => {
  const within = { trips: 2, kv: 0 };

  it("POST /v1/api-keys, with its email to the owner", async () => {
    const box = createMailbox({ ...PRODUCTION_LIMITS });
    const { id, token } = await createTestUser();
    await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", id);
    const body = { name: "x", scopes: ["me:read"] };
    const answer = await send("/v1/api-keys", { token, body, bindings: box.bindings });
    expectWithin(answer, { ...within, rowsRead: 20, rowsWritten: 13 });
  });

  it.each([
    ["PATCH", "", { name: "y" }],
    ["PATCH", "", { expires_at: "2099-01-01T00:00:00Z" }],
    ["POST", "/rotate", undefined],
    ["DELETE", "", undefined],
  ])("%s /v1/api-keys/{id}%s %j", async (method, end, body) => {
    const owner = await createTestUser();
    const { id } = await createTestKey(owner, []);
    const options = { method, token: owner.token, ...(body && { body }) };
    const bindings = withProductionLimits();
    const answer = await send(`/v1/api-keys/${id}${end}`, { ...options, bindings });
    expectWithin(answer, { ...within, rowsRead: 24, rowsWritten: 9, kv: end ? 2 : 0 });
  });

  it("POST /v1/roles, with a permission of the application", async () => {
    await sqlRun(
      "INSERT INTO custom_permissions VALUES ('budgets:own', '', 0) ON CONFLICT DO NOTHING",
    );
    await sqlRun(
      `UPDATE roles SET permissions = json_insert(permissions, '$[#]', 'budgets:own') WHERE name = 'admin'`,
    );
    const { token } = await createTestUser("admin");
    const body = { name: "budgeted", permissions: ["budgets:own", "users:read"] };
    const bindings = withProductionLimits();
    const answer = await send("/v1/roles", { token, body, bindings });
    expectWithin(answer, { ...within, rowsRead: 16, rowsWritten: 5 });
  });

  it.each([
    ["PUT", { description: "New.", permissions: ["users:read"] }],
    ["DELETE", undefined],
  ])("%s /v1/roles/{name} %j, with If-Match", async (method, body) => {
    const { token } = await createTestUser("admin");
    const name = `budgeted-${method.toLowerCase()}`;
    const created = await send("/v1/roles", { token, body: { name, permissions: [] } });
    const headers = { "If-Match": created.headers.get("ETag") ?? "" };
    const bindings = withProductionLimits();
    const options = { method, token, headers, bindings, ...(body && { body }) };
    const answer = await send(`/v1/roles/${name}`, options);
    expectWithin(answer, { ...within, rowsRead: 24, rowsWritten: 5 });
  });
});
