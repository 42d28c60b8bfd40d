import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import {
  ALL_REFUSED,
  auditOf,
  changesOn,
  createRoleRow,
  createTestUser,
  logIn,
  newAccount,
  PASSWORD,
  sqlAll,
  statusesOf,
} from "../support/fixtures.ts";
import { countIdentities, linkIdentity } from "../support/identities.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

const remove = (id: string, token?: string) =>
  send(`/v1/users/${id}`, { method: "DELETE", ...(token && { token }) });

describe("DELETE /v1/users/{id}", () => {
  it("returns 204, then 404 for the user, and records user.deleted once", async () => {
    const { id } = await createTestUser();
    const admin = await createTestUser("admin");
    const answer = await remove(id, admin.token);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    expectProblem(await send(`/v1/users/${id}`, { token: admin.token }), 404, "user_not_found");
    expect(await changesOn(id)).toEqual(["user.created", "user.deleted"]);
    const [event] = (await auditOf(id)).slice(-1);
    expect(event).toMatchObject({ actor_id: admin.id, actor_type: "user", target_type: "user" });
  });

  it("keeps the row, so that it can be restored", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    await remove(id, token);
    expect(await sqlAll("SELECT id FROM users WHERE id = ?", id)).toHaveLength(1);
  });

  it("refuses every session of the user immediately", async () => {
    const user = await createTestUser();
    const second = await logIn(user.username);
    const { token } = await createTestUser("admin");
    await send("/v1/auth/me", { token: user.token });
    await remove(user.id, token);
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    expect(await statusesOf(second)).toEqual(ALL_REFUSED);
  });

  it("refuses the user's login like an unknown name", async () => {
    const { id, username, token } = await createTestUser();
    await remove(id, token);
    const answer = await send("/v1/auth/login", { body: { username, password: PASSWORD } });
    expectProblem(answer, 401, "invalid_credentials");
  });

  it("frees the email and the username", async () => {
    const { id, username, email, token } = await createTestUser();
    await remove(id, token);
    const answer = await send("/v1/auth/register", {
      body: { username, email, password: PASSWORD },
    });
    expect(answer.status).toBe(201);
    expect(answer.body.id).not.toBe(id);
  });

  it("unlinks identities at other providers, so that they can be linked to another account", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    await linkIdentity(user.id, "freed");
    await linkIdentity(other.id);
    await remove(user.id, user.token);
    await linkIdentity(other.id, "freed");
    expect([await countIdentities(user.id), await countIdentities(other.id)]).toEqual([0, 2]);
  });

  it("lets users delete themselves as me, once", async () => {
    const user = await createTestUser();
    expect((await remove("me", user.token)).status).toBe(204);
    expectProblem(await remove("me", user.token), 401, "unauthenticated");
    expect(await changesOn(user.id)).toEqual(["user.created", "user.deleted"]);
  });

  it("returns 404 for a deleted or unknown user, and records nothing", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    await remove(id, token);
    expectProblem(await remove(id, token), 404, "user_not_found");
    expectProblem(await remove(UNKNOWN_ID, token), 404, "user_not_found");
    expect(await changesOn(id)).toEqual(["user.created", "user.deleted"]);
  });

  it("returns 404 for every change of a deleted user", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    await remove(id, token);
    const change = { method: "PATCH", token, body: { first_name: "x" } };
    expectProblem(await send(`/v1/users/${id}`, change), 404, "user_not_found");
    const role = { method: "PUT", token, body: { role: "admin" } };
    expectProblem(await send(`/v1/users/${id}/role`, role), 404, "user_not_found");
  });

  it("deletes once for 10 concurrent requests: one 204, one event", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    const answers = await Promise.all(Array.from({ length: 10 }, () => remove(id, token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(404)]);
    expect(await changesOn(id)).toEqual(["user.created", "user.deleted"]);
  });

  it("returns 403 privilege_escalation for a user who holds more permissions", async () => {
    await createRoleRow("remover", ["users:read", "users:delete"]);
    const { token } = await createTestUser("remover");
    const moderator = await createTestUser("moderator");
    expectProblem(await remove(moderator.id, token), 403, "privilege_escalation");
    const { id } = await createTestUser();
    expect((await remove(id, token)).status).toBe(204);
  });

  it("returns 401 without a token, 403 for another user whether or not they exist, and 422 for a malformed id", async () => {
    const { id } = await createTestUser();
    expectProblem(await remove(id), 401, "unauthenticated");
    const moderator = await createTestUser("moderator");
    expectProblem(await remove(id, moderator.token), 403, "forbidden");
    expectProblem(await remove(UNKNOWN_ID, moderator.token), 403, "forbidden");
    const admin = await createTestUser("admin");
    expect(faultsOf(await remove("42", admin.token))).toEqual(["id invalid_format"]);
  });
});

describe("POST /v1/users/{id}/restore", () => {
  async function deletedUser() {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    await remove(user.id, admin.token);
    const restore = (token: string | undefined = admin.token, id = user.id) =>
      send(`/v1/users/${id}/restore`, { method: "POST", ...(token && { token }) });
    return { user, admin, restore };
  }

  it("returns 200 with the user, who can log in again, and records user.restored once", async () => {
    const { user, restore } = await deletedUser();
    const answer = await restore();
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: user.id, email: user.email, deleted_at: null });
    expect(answer.headers.get("ETag")).toMatch(/^"\d+-[0-9a-f]{12}"$/);
    expect((await logIn(user.username)).token).toBeTruthy();
    expect((await changesOn(user.id)).slice(-2)).toEqual(["user.deleted", "user.restored"]);
  });

  it("revives no session", async () => {
    const { user, restore } = await deletedUser();
    await restore();
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
  });

  it("changes and records nothing for a user who is not deleted", async () => {
    const { user, restore } = await deletedUser();
    const first = await restore();
    const second = await restore();
    expect(second.status).toBe(200);
    expect(second.headers.get("ETag")).toBe(first.headers.get("ETag"));
    expect(await changesOn(user.id)).toEqual(["user.created", "user.deleted", "user.restored"]);
  });

  it.each(["email", "username"] as const)(
    "returns 409 %s_taken if it has been taken since",
    async (name) => {
      const { user, restore } = await deletedUser();
      await send("/v1/auth/register", { body: newAccount({ [name]: user[name].toUpperCase() }) });
      expectProblem(await restore(), 409, `${name}_taken`);
      expect(await changesOn(user.id)).toEqual(["user.created", "user.deleted"]);
    },
  );

  it("returns 404 for an unknown user", async () => {
    const { admin, restore } = await deletedUser();
    expectProblem(await restore(admin.token, UNKNOWN_ID), 404, "user_not_found");
  });

  it("returns 401 without a token, 403 without users:delete and 422 for a malformed id", async () => {
    const { admin, restore } = await deletedUser();
    expectProblem(await restore(""), 401, "unauthenticated");
    const moderator = await createTestUser("moderator");
    expectProblem(await restore(moderator.token), 403, "forbidden");
    expectProblem(await restore(moderator.token, UNKNOWN_ID), 403, "forbidden");
    expect(faultsOf(await restore(admin.token, "x"))).toEqual(["id invalid_format"]);
  });

  it("returns 403 privilege_escalation for a user who held more permissions", async () => {
    await createRoleRow("restorer", ["users:delete"]);
    const moderator = await createTestUser("moderator");
    const { restore } = await deletedUser();
    await remove(moderator.id, moderator.token);
    const { token } = await createTestUser("restorer");
    expectProblem(await restore(token, moderator.id), 403, "privilege_escalation");
  });
});
