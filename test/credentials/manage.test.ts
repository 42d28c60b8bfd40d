import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import {
  createHolder,
  createTestKey,
  manage,
  sendWithKey,
  setRole,
} from "../support/credentials.ts";
import { afterStatement, beforeStatement } from "../support/d1.ts";
import {
  actionsOn,
  auditOf,
  createTestUser,
  PASSWORD,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const NEW = "another pass phrase";
const OPERATIONS = ["unlock", "password/expire", "email/mark-verified"];

const logIn = (username: string, password = PASSWORD) =>
  send("/v1/auth/login", { body: { username, password } });

async function lock({ username }: { username: string }) {
  for (let i = 0; i < 10; i += 1) await logIn(username, "wrong password");
  expectProblem(await logIn(username), 429, "too_many_attempts");
}

const credentialsOf = ({ id }: TestUser) =>
  sqlAll(
    `SELECT password_expired, email_verified, (SELECT count(*) FROM login_attempts WHERE key = 'user:' || id) AS counted
     FROM users WHERE id = ?`,
    id,
  );

describe.each(OPERATIONS)("POST /v1/users/{id}/%s", (operation) => {
  it("needs credentials:manage, which a moderator does not hold", async () => {
    const user = await createTestUser();
    const moderator = await createTestUser("moderator");
    expectProblem(await manage(user.id, operation, moderator), 403, "forbidden");
    expectProblem(await manage(user.id, operation, user), 403, "forbidden");
    expectProblem(await manage("me", operation, user), 403, "forbidden");
  });

  it("refuses API keys", async () => {
    const user = await createTestUser();
    const key = await createTestKey(await createTestUser("admin"), ["credentials:manage"]);
    const answer = await sendWithKey(key, `/v1/users/${user.id}/${operation}`, { method: "POST" });
    expectProblem(answer, 403, "forbidden");
  });

  it("refuses whoever does not hold everything that the user holds", async () => {
    const admin = await createTestUser("admin");
    await lock(admin);
    const before = await credentialsOf(admin);
    const manager = await createHolder("credentials:manage");
    expectProblem(await manage(admin.id, operation, manager), 403, "privilege_escalation");
    expect(await credentialsOf(admin)).toEqual(before);
  });

  it("returns 404 for unknown and deleted users", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await send(`/v1/users/${user.id}`, { method: "DELETE", token: user.token });
    const unknown = "01a20000-0000-7000-8000-000000000000";
    for (const id of [user.id, unknown]) {
      expectProblem(await manage(id, operation, admin), 404, "user_not_found");
    }
  });

  it.each([
    ["the caller is demoted", (admin: TestUser) => setRole(admin, "user"), 403],
    ["the user is promoted", (_: TestUser, user: TestUser) => setRole(user, "admin"), 403],
    [
      "the user is deleted",
      (_: TestUser, { id }: TestUser) =>
        sqlRun("UPDATE users SET deleted_at = 1, version = version + 1 WHERE id = ?", id),
      404,
    ],
  ])("changes nothing if %s after the decision", async (_, meanwhile, status) => {
    const manager = await createHolder("credentials:manage");
    const user = await createTestUser();
    await lock(user);
    const before = await credentialsOf(user);
    const audited = await actionsOn(user.id);
    const bindings = beforeStatement(/^(update|delete)/, () => meanwhile(manager, user));
    const answer = await send(`/v1/users/${user.id}/${operation}`, {
      method: "POST",
      token: manager.token,
      bindings,
    });
    expect(answer.status).toBe(status);
    expect(await credentialsOf(user)).toEqual(before);
    expect(await actionsOn(user.id)).toEqual(audited);
  });

  it("records one event of two concurrent requests", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await lock(user);
    const before = await actionsOn(user.id);
    await Promise.all([1, 2, 3].map(() => manage(user.id, operation, admin)));
    expect(await actionsOn(user.id)).toHaveLength(before.length + 1);
  });
});

describe("POST /v1/users/{id}/unlock", () => {
  it("lets the user log in again and records user.unlocked with the administrator", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await lock(user);
    const answer = await manage(user.id, "unlock", admin);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    expect((await logIn(user.username)).status).toBe(200);
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(event).toMatchObject({ action: "user.unlocked", actor_id: admin.id });
  });

  it("changes and records nothing for an account without failed logins", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    const before = await actionsOn(user.id);
    expect((await manage(user.id, "unlock", admin)).status).toBe(204);
    expect(await actionsOn(user.id)).toEqual(before);
  });
});

describe("POST /v1/users/{id}/password/expire", () => {
  const expire = async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    expect((await manage(user.id, "password/expire", admin)).status).toBe(204);
    return { admin, user };
  };
  const reset = (token: string, password: string) =>
    send("/v1/auth/password/reset", { body: { token, password } });

  it("makes the next login set a new password, with a token that works once", async () => {
    const { admin, user } = await expire();
    const expired = await logIn(user.username);
    expectProblem(expired, 403, "password_expired");
    expect(expired.body).toMatchObject({ reset_token: expect.any(String), expires_in: 600 });
    expect((await reset(expired.body.reset_token, NEW)).status).toBe(204);
    expect((await logIn(user.username, NEW)).status).toBe(200);
    expectProblem(await reset(expired.body.reset_token, NEW), 400, "invalid_token");
    const events = await auditOf(user.id);
    expect(events.find(({ action }) => action === "password.expired")?.actor_id).toBe(admin.id);
  });

  it("shows nothing to whoever does not know the password", async () => {
    const { user } = await expire();
    expectProblem(await logIn(user.username, "wrong password"), 401, "invalid_credentials");
  });

  it("does not count the login as a failure", async () => {
    const { user } = await expire();
    for (let i = 0; i < 11; i += 1) {
      expectProblem(await logIn(user.username), 403, "password_expired");
    }
  });

  it("refuses the expired password as the new one", async () => {
    const { user } = await expire();
    const { body } = await logIn(user.username);
    const same = await reset(body.reset_token, PASSWORD);
    expectProblem(same, 422, "validation_failed");
    expect(faultsOf(same)).toEqual(["password unchanged"]);
    expect((await reset(body.reset_token, NEW)).status).toBe(204);
  });

  it("issues no token if the password changes while it is checked", async () => {
    const { user } = await expire();
    await sqlRun("DELETE FROM one_time_tokens");
    const bindings = beforeStatement(/^insert into "one_time_tokens"/, () =>
      sqlRun("UPDATE users SET password_version = password_version + 1 WHERE id = ?", user.id),
    );
    const answer = await send("/v1/auth/login", {
      body: { username: user.username, password: PASSWORD },
      bindings,
    });
    expectProblem(answer, 401, "invalid_credentials");
    expect(
      await sqlAll("SELECT * FROM one_time_tokens WHERE purpose = 'expired_password'"),
    ).toEqual([]);
  });

  it("is over once the user has changed the password, and leaves sessions alone", async () => {
    const { user } = await expire();
    const change = await send("/v1/auth/password/change", {
      token: user.token,
      body: { current_password: PASSWORD, new_password: NEW },
    });
    expect(change.status).toBe(204);
    expect((await logIn(user.username, NEW)).status).toBe(200);
  });

  it("gives a token that is good for nothing but a new password", async () => {
    const { user } = await expire();
    const { body } = await logIn(user.username);
    const token = body.reset_token;
    expectProblem(await send("/v1/auth/email/verify", { body: { token } }), 400, "invalid_token");
    expectProblem(await send("/v1/users/me", { token }), 401, "unauthenticated");
    const refresh = await send("/v1/auth/refresh", { body: { refresh_token: token } });
    expectProblem(refresh, 401, "invalid_refresh_token");
  });
});

describe("POST /v1/users/{id}/email/mark-verified", () => {
  it("returns the verified user and voids the link in the mail", async () => {
    const box = createMailbox();
    const user = await createMailUser(box);
    const token = box.tokenTo(user.email);
    const admin = await createTestUser("admin");
    const answer = await manage(user.id, "email/mark-verified", admin);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: user.id, email_verified: true });
    expect(answer.headers.get("ETag")).toMatch(/^"\d+-/);
    expectProblem(await flowsOf(box).verify(token), 400, "invalid_token");
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(event).toMatchObject({ action: "email.verified", actor_id: admin.id });
  });

  it("changes nothing if the user changes at the same time, and is repeated", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    const bindings = afterStatement(/^select .* from "users"/s, () =>
      sqlRun("UPDATE users SET version = version + 1, first_name = 'Grace' WHERE id = ?", user.id),
    );
    const answer = await send(`/v1/users/${user.id}/email/mark-verified`, {
      method: "POST",
      token: admin.token,
      bindings,
    });
    expect(answer.body).toMatchObject({ email_verified: true, first_name: "Grace" });
  });
});

describe("another person's email", () => {
  it("cannot be changed with users:update alone", async () => {
    const user = await createTestUser();
    for (const caller of [
      await createTestUser("moderator"),
      await createHolder("users:update", "users:read"),
    ]) {
      const answer = await send(`/v1/users/${user.id}`, {
        method: "PATCH",
        token: caller.token,
        body: { email: "attacker@example.com" },
      });
      expectProblem(answer, 403, "forbidden");
    }
    const [row] = await sqlAll("SELECT email FROM users WHERE id = ?", user.id);
    expect(row).toEqual({ email: user.email });
  });
});
