import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { createLoginMailbox, emailLoginOf, requestLogin } from "../support/email-login.ts";
import { addTotp } from "../support/factors.ts";
import { newEmail, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const countSessions = async (userId: string) =>
  (await sqlAll("SELECT id FROM sessions WHERE user_id = ?", userId)).length;

const SPENT = /^delete from "one_time_tokens" where \("one_time_tokens"\."token_hash"/m;

describe("20 parallel requests", () => {
  it("with one link start one session", async () => {
    const { user, token, byLink } = await requestLogin();
    const before = await countSessions(user.id);
    const answers = await Promise.all(Array.from({ length: 20 }, () => byLink(token)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(19).fill(401)]);
    expect(await countSessions(user.id)).toBe(before + 1);
  });

  it("with one code start at most one session", async () => {
    const { user, loginToken, code, byCode } = await requestLogin();
    const before = await countSessions(user.id);
    const answers = await Promise.all(Array.from({ length: 20 }, () => byCode(loginToken, code)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.every((status) => [200, 401, 429].includes(status))).toBe(true);
    expect(await countSessions(user.id)).toBe(before + 1);
  });

  it("with a link and its code start one session", async () => {
    const { loginToken, code, token, byCode, byLink } = await requestLogin();
    const answers = await Promise.all([
      ...Array.from({ length: 17 }, () => byLink(token)),
      ...Array.from({ length: 3 }, () => byCode(loginToken, code)),
    ]);
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(19).fill(401)]);
  });

  it("with the first link of an account that nobody has proven start one session", async () => {
    const box = createLoginMailbox();
    const user = await createMailUser(box);
    const { request, byLink } = emailLoginOf(box);
    await request(user.email);
    const token = box.tokenTo(user.email);
    const answers = await Promise.all(Array.from({ length: 20 }, () => byLink(token)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(19).fill(401)]);
    const proofs = "SELECT id FROM audit_events WHERE target_id = ? AND action = 'email.verified'";
    expect(await sqlAll(proofs, user.id)).toHaveLength(1);
  });

  it("with a link of an account with a second factor get one mfa_token", async () => {
    const { user, token, byLink } = await requestLogin();
    await addTotp(user);
    const answers = await Promise.all(Array.from({ length: 20 }, () => byLink(token)));
    const codes = answers.map(({ body }) => body.code).sort();
    expect(codes).toEqual([...Array(19).fill("invalid_code"), "mfa_required"]);
  });

  it("for a login send one mail, and get one token", async () => {
    const box = createLoginMailbox();
    const user = await createMailUser(box);
    const { request } = emailLoginOf(box);
    for (const email of [user.email, newEmail()]) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => request(email)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
      expect(new Set(answers.map(({ body }) => body.login_token)).size).toBe(1);
    }
    expect(box.to(user.email)).toHaveLength(2);
  });
});

describe("a login whose link was checked", () => {
  it("is refused if a newer login voids the link before it is used up", async () => {
    const { box, user, token } = await requestLogin();
    const voided = "DELETE FROM one_time_tokens WHERE user_id = ?";
    const bindings = beforeStatement(SPENT, () => sqlRun(voided, user.id), box.bindings);
    expectProblem(await emailLoginOf({ bindings }).byLink(token), 401, "invalid_code");
  });

  it("asks for a second factor that was added before the session starts", async () => {
    const { box, user, token } = await requestLogin();
    const before = await countSessions(user.id);
    const bindings = beforeStatement(/^insert into "sessions"/m, () => addTotp(user), box.bindings);
    expectProblem(await emailLoginOf({ bindings }).byLink(token), 401, "mfa_required");
    expect(await countSessions(user.id)).toBe(before);
  });

  it("is refused if the password is reset, or the account deactivated, before the session starts", async () => {
    for (const change of [
      "UPDATE users SET password_version = password_version + 1 WHERE id = ?",
      "UPDATE users SET is_active = 0 WHERE id = ?",
    ]) {
      const { box, user, token } = await requestLogin();
      const bindings = beforeStatement(
        /^insert into "sessions"/m,
        () => sqlRun(change, user.id),
        box.bindings,
      );
      expectProblem(await emailLoginOf({ bindings }).byLink(token), 401, "invalid_code");
    }
  });

  it("is not overtaken by the registrant who confirms the address meanwhile", async () => {
    const box = createLoginMailbox();
    const squatter = await createMailUser(box);
    const confirmToken = box.tokenTo(squatter.email);
    await emailLoginOf(box).request(squatter.email);
    const token = box.tokenTo(squatter.email);
    const confirm = () => flowsOf(box).verify(confirmToken);
    const bindings = beforeStatement(
      /^update "users" set "email_verified"/m,
      confirm,
      box.bindings,
    );
    // The link was not used up: it logs in to what is now a confirmed account.
    expectProblem(await emailLoginOf({ bindings }).byLink(token), 401, "invalid_code");
    expect((await emailLoginOf(box).byLink(token)).status).toBe(200);
    const { body } = await send("/v1/auth/login", {
      body: { username: squatter.username, password: "SecurePass123!" },
    });
    expect(body.access_token).toBeDefined();
  });
});
