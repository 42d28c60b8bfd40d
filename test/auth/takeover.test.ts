import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, manage, sendWithKey } from "../support/credentials.ts";
import {
  auditOf,
  createTestUser,
  logIn,
  newAccount,
  PASSWORD,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { createMailbox, createMailUser, createVerifiedMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const NEW = "another pass phrase";

async function expire(user: TestUser) {
  const admin = await createTestUser("admin");
  expect((await manage(user.id, "password/expire", admin)).status).toBe(204);
  return admin;
}

async function expiredToken({ username }: TestUser): Promise<string> {
  const body = { username, password: PASSWORD };
  const answer = await send("/v1/auth/login", { body });
  expectProblem(answer, 403, "password_expired");
  return answer.body.reset_token;
}

const reset = (token: string, password: string) =>
  send("/v1/auth/password/reset", { body: { token, password } });

const changePassword = (token: string, new_password: string) =>
  send("/v1/auth/password/change", { token, body: { current_password: PASSWORD, new_password } });

describe("the token of a login with an expired password", () => {
  it("is void once the owner has changed the password", async () => {
    const user = await createTestUser();
    await expire(user);
    const token = await expiredToken(user);
    expect((await changePassword(user.token, NEW)).status).toBe(204);
    expectProblem(await reset(token, "the thief's pass phrase"), 400, "invalid_token");
    expect((await send("/v1/users/me", { token: user.token })).status).toBe(200);
  });

  it("is void once the password was reset by email", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    await expire(user);
    const token = await expiredToken(user);
    await flowsOf(box).forgot(user.email);
    expect((await reset(box.tokenTo(user.email), NEW)).status).toBe(204);
    expectProblem(await reset(token, "the thief's pass phrase"), 400, "invalid_token");
    await logIn(user.username, NEW);
  });

  it("proves nothing about the address, and leaves API keys valid", async () => {
    const user = await createTestUser();
    const key = await createTestKey(user, ["me:read"]);
    await expire(user);
    expect((await reset(await expiredToken(user), NEW)).status).toBe(204);
    const { body } = await sendWithKey(key, "/v1/users/me");
    expect(body).toMatchObject({ id: user.id, email_verified: false });
    expect((await auditOf(user.id)).map(({ action }) => action)).not.toContain("email.verified");
  });

  it("is void once the user has another role", async () => {
    const user = await createTestUser();
    const admin = await expire(user);
    const token = await expiredToken(user);
    const role = { method: "PUT", token: admin.token, body: { role: "admin" } };
    expect((await send(`/v1/users/${user.id}/role`, role)).status).toBe(200);
    expectProblem(await reset(token, NEW), 400, "invalid_token");
  });
});

describe("an expired password", () => {
  it("cannot be kept by changing or resetting it", async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    await expire(user);
    const kept = await changePassword(user.token, PASSWORD);
    expectProblem(kept, 422, "validation_failed");
    expect(faultsOf(kept)).toEqual(["new_password unchanged"]);
    await flowsOf(box).forgot(user.email);
    const again = await reset(box.tokenTo(user.email), PASSWORD);
    expectProblem(again, 422, "validation_failed");
    expect(faultsOf(again)).toEqual(["password unchanged"]);
  });

  it("that is used to log in shows in the audit trail", async () => {
    const user = await createTestUser();
    await expire(user);
    await expiredToken(user);
    const [event] = await sqlAll(
      "SELECT action, metadata FROM audit_events WHERE target_id = ? ORDER BY id DESC LIMIT 1",
      user.id,
    );
    expect(event).toEqual({
      action: "auth.login_failed",
      metadata: '{"reason":"password_expired"}',
    });
  });
});

describe("an account that a stranger registered with the address of a victim", () => {
  it("keeps nothing of the stranger once the victim has reset the password", async () => {
    const box = createMailbox();
    const account = await createMailUser(box);
    const key = await createTestKey(account, ["me:read", "me:write"]);
    await flowsOf(box).forgot(account.email);
    expect((await reset(box.tokenTo(account.email), NEW)).status).toBe(204);
    expectProblem(await sendWithKey(key, "/v1/users/me"), 401, "unauthenticated");
    expectProblem(await send("/v1/users/me", { token: account.token }), 401, "unauthenticated");
    const { token } = await logIn(account.username, NEW);
    expect((await send("/v1/users/me", { token })).body.email_verified).toBe(true);
    const actions = (await auditOf(account.id)).map(({ action }) => action);
    expect(actions.slice(-2)).toEqual(["password.reset", "email.verified"]);
  });
});

describe("a pending change of email", () => {
  const begin = async () => {
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    const { email } = newAccount();
    expect((await flowsOf(box).changeEmail(user.token, email)).status).toBe(202);
    return { user, token: box.tokenTo(email), verify: flowsOf(box).verify };
  };

  it.each([
    ["expires the password", (id: string, admin: TestUser) => manage(id, "password/expire", admin)],
    [
      "ends all sessions",
      (id: string, { token }: TestUser) =>
        send(`/v1/users/${id}/sessions`, { method: "DELETE", token }),
    ],
    [
      "assigns another role",
      (id: string, { token }: TestUser) =>
        send(`/v1/users/${id}/role`, { method: "PUT", token, body: { role: "moderator" } }),
    ],
  ])("is void once an administrator %s", async (_, act) => {
    const { user, token, verify } = await begin();
    const answer = await act(user.id, await createTestUser("admin"));
    expect(answer.status, answer.text).toBeLessThan(300);
    expectProblem(await verify(token), 400, "invalid_token");
  });

  it.each([
    [
      "an administrator ends one session",
      async ({ id, token }: TestUser) => {
        const sessionId = (await send("/v1/auth/sessions", { token })).body.data[0].id;
        const admin = await createTestUser("admin");
        return send(`/v1/users/${id}/sessions/${sessionId}`, {
          method: "DELETE",
          token: admin.token,
        });
      },
    ],
    [
      "the user ends all other sessions",
      async ({ username, token }: TestUser) => {
        await logIn(username, PASSWORD);
        return send("/v1/auth/sessions", { method: "DELETE", token });
      },
    ],
  ])("stays valid if %s", async (_, end) => {
    const { user, token, verify } = await begin();
    expect((await end(user)).status).toBe(204);
    expect((await verify(token)).status).toBe(200);
  });

  it("is void once an administrator marks the current address as verified", async () => {
    const { user, token, verify } = await begin();
    await sqlRun("UPDATE users SET email_verified = 0 WHERE id = ?", user.id);
    await manage(user.id, "email/mark-verified", await createTestUser("admin"));
    expectProblem(await verify(token), 400, "invalid_token");
  });
});

describe("an API key", () => {
  it.each([
    ["POST", "/v1/roles", { name: "x", description: "x", permissions: [] }],
    ["PUT", "/v1/roles/plain", { description: "x", permissions: ["roles:write"] }],
    ["DELETE", "/v1/roles/plain", undefined],
    ["POST", "/v1/permissions", { name: "invoices:approve", description: "x" }],
    ["DELETE", "/v1/permissions/invoices:approve", undefined],
  ])("cannot outlive itself through %s %s", async (method, path, body) => {
    const owner = await createHolder("roles:write", "users:create");
    const key = await createTestKey(owner, ["roles:write", "users:create"]);
    const answer = await sendWithKey(key, path, { method, ...(body && { body }) });
    expectProblem(answer, 403, "forbidden");
  });
});
