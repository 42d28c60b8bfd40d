import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { at, faultyBindings } from "../support/faults.ts";
import {
  auditOf,
  createTestUser,
  newAccount,
  PASSWORD,
  sqlAll,
  type TestUser,
} from "../support/fixtures.ts";
import { createMailbox, flowsOf } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const DAY = 86_400_000;

async function invite(fields: Record<string, unknown> = {}) {
  const box = createMailbox();
  const admin = await createTestUser("admin");
  const { password: _, ...account } = newAccount(fields);
  const answer = await send("/v1/users", {
    token: admin.token,
    body: account,
    bindings: box.bindings,
  });
  return { box, admin, account, answer, ...flowsOf(box) };
}

const actions = async (id: string) => (await auditOf(id)).map(({ action }) => action);

describe("POST /v1/users without a password", () => {
  it("invites the person by mail, and records user.invited", async () => {
    const { box, account, answer, admin } = await invite();
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ has_password: false, email_verified: false });
    expect(box.subjectsTo(account.email)).toEqual(["You are invited to create your account"]);
    expect(box.to(account.email)[0]?.text).toContain("/invitation#token=");
    const events = await auditOf(answer.body.id);
    expect(events.map(({ action }) => action)).toEqual(["user.created", "user.invited"]);
    expect(events[1]?.actor_id).toBe(admin.id);
  });

  it("creates an account that cannot log in, whatever the password", async () => {
    const { account, logIn } = await invite();
    for (const password of [PASSWORD, "null", "undefined", " "]) {
      expectProblem(await logIn(account.username, password), 401, "invalid_credentials");
    }
  });

  it("lets the person choose a password with the link, once, which confirms the address", async () => {
    const { box, account, answer, reset, logIn } = await invite();
    const token = box.tokenTo(account.email);
    expect((await reset(token, PASSWORD)).status).toBe(204);
    const { body: tokens } = await logIn(account.username);
    const { body: me } = await send("/v1/users/me", { token: tokens.access_token });
    expect(me).toMatchObject({ has_password: true, email_verified: true });
    expect(await actions(answer.body.id)).toEqual([
      "user.created",
      "user.invited",
      "password.reset",
      "email.verified",
    ]);
    expectProblem(await reset(token, "another pass phrase"), 400, "invalid_token");
  });

  it("has a link that is good for seven days and for nothing else", async () => {
    const { box, account, verify, reset } = await invite();
    const token = box.tokenTo(account.email);
    expectProblem(await verify(token), 400, "invalid_token");
    const [row] = await sqlAll<{ expires_at: number }>(
      "SELECT expires_at FROM one_time_tokens WHERE purpose = 'invitation' ORDER BY expires_at DESC",
    );
    expect(row?.expires_at).toBeGreaterThan(Date.now() + 7 * DAY - 60_000);
    expect(row?.expires_at).toBeLessThanOrEqual(Date.now() + 7 * DAY);
    expect((await reset(token, PASSWORD)).status).toBe(204);
  });

  it("checks the new password against the rules", async () => {
    const { box, account, reset } = await invite();
    const token = box.tokenTo(account.email);
    expectProblem(await reset(token, `${account.username}-123`), 422, "validation_failed");
    expect((await reset(token, PASSWORD)).status).toBe(204);
  });

  it("invites to the new address after the email was corrected, and voids the first link", async () => {
    const { box, admin, account, answer, reset } = await invite();
    const first = box.tokenTo(account.email);
    const email = `right-${account.email}`;
    const change = await send(`/v1/users/${answer.body.id}`, {
      method: "PATCH",
      token: admin.token,
      body: { email },
      bindings: box.bindings,
    });
    expect(change.status).toBe(200);
    expectProblem(await reset(first, PASSWORD), 400, "invalid_token");
    expect(box.subjectsTo(email)).toEqual(["You are invited to create your account"]);
    expect((await reset(box.tokenTo(email), PASSWORD)).status).toBe(204);
  });

  it("does not let an inactive account be claimed before it is activated", async () => {
    const { box, admin, account, answer, reset } = await invite({ is_active: false });
    const token = box.tokenTo(account.email);
    expectProblem(await reset(token, PASSWORD), 400, "invalid_token");
    const activate = { method: "PATCH", token: admin.token, body: { is_active: true } };
    await send(`/v1/users/${answer.body.id}`, activate);
    expect((await reset(token, PASSWORD)).status).toBe(204);
  });

  it("leaves nothing behind if the invitation cannot be queued", async () => {
    const box = createMailbox();
    const { token } = await createTestUser("admin");
    const { password: _, ...body } = newAccount();
    const { DB } = faultyBindings({ d1: at(/insert into "mail_outbox"/) });
    const bindings = { ...box.bindings, DB };
    const failed = await send("/v1/users", { token, body, bindings });
    expectProblem(failed, 503, "service_unavailable");
    expect(await sqlAll("SELECT id FROM users WHERE username = ?", body.username)).toEqual([]);
    expect(box.sent).toEqual([]);
  });

  it("cannot be confused with a registration, which needs a password", async () => {
    const { password: _, ...body } = newAccount();
    expectProblem(await send("/v1/auth/register", { body }), 422, "validation_failed");
  });

  it("tells the person of a changed password only through their own mailbox", async () => {
    const { box, account, reset } = await invite();
    const user: Pick<TestUser, "email"> = account;
    await reset(box.tokenTo(user.email), PASSWORD);
    expect(box.subjectsTo(user.email)).toEqual([
      "You are invited to create your account",
      "Your password was changed",
    ]);
  });
});
