import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey } from "../support/credentials.ts";
import { addTotp } from "../support/factors.ts";
import { createRoleRow, createTestUser, sqlAll, type TestUser } from "../support/fixtures.ts";
import { linkIdentity } from "../support/identities.ts";

type Change = (admin: TestUser, user: TestUser) => Promise<{ path: string; body?: object }>;

/** Changes that a second request finds made, each with its method. */
const CHANGES: Readonly<Record<string, Change>> = {
  "DELETE a user": async (_, { id }) => ({ path: `/v1/users/${id}` }),
  "DELETE the sessions of a user": async (_, { id }) => ({ path: `/v1/users/${id}/sessions` }),
  "DELETE the factors of a user": async (_, user) => {
    await addTotp(user);
    return { path: `/v1/users/${user.id}/factors` };
  },
  "DELETE an API key": async (_, user) => ({
    path: `/v1/api-keys/${(await createTestKey(user, [])).id}`,
  }),
  "DELETE a role": async () => {
    await createRoleRow("gone", []);
    return { path: "/v1/roles/gone" };
  },
  "DELETE an identity of one's own": async (admin) => ({
    path: `/v1/auth/identities/${await linkIdentity(admin.id)}`,
  }),
  "PATCH a user with other names": async (_, { id }) => ({
    path: `/v1/users/${id}`,
    body: { first_name: "Ada" },
  }),
  "PUT the role of a user": async (_, { id }) => ({
    path: `/v1/users/${id}/role`,
    body: { role: "moderator" },
  }),
  "PUT a role with other permissions": async () => {
    await createRoleRow("other", []);
    return { path: "/v1/roles/other", body: { description: "", permissions: ["users:read"] } };
  },
  "PATCH a profile": async (_, { id }) => ({
    path: `/v1/users/${id}/profile`,
    body: { bio: "Hello" },
  }),
  "POST a deactivation in bulk": async (_, { id }) => ({
    path: "/v1/users/bulk",
    body: { ids: [id], action: "deactivate" },
  }),
  "POST an erasure": async (_, { id }) => ({ path: `/v1/users/${id}/erase` }),
};

const countEvents = async () => (await sqlAll("SELECT id FROM audit_events")).length;

describe("a change", () => {
  it.each(Object.keys(CHANGES))("that matches nothing records nothing: %s", async (name) => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    const [method = ""] = name.split(" ");
    const { path, ...body } = (await CHANGES[name]?.(admin, user)) ?? { path: "" };
    const request = { method, token: admin.token, ...body };
    const before = await countEvents();
    expect((await send(path, request)).status).toBeLessThan(300);
    const changed = await countEvents();
    expect(changed).toBeGreaterThan(before);
    expect([200, 204, 404]).toContain((await send(path, request)).status);
    expect(await countEvents()).toBe(changed);
  });
});
