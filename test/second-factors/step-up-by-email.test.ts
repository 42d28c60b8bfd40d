import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { codeTo, createLoginMailbox, emailLoginOf, otherCode } from "../support/email-login.ts";
import { addTotp, byTotp, codeOf, stepUp } from "../support/factors.ts";
import { createTestUser, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { createVerifiedMailUser, type Mailbox } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

const challenge = (token: string, { bindings }: Mailbox) =>
  send("/v1/auth/step-up/challenge", { token, body: { method: "email_code" }, bindings });
const confirm = (token: string, code: string) => stepUp(token, { method: "email_code", code });

async function requestCode() {
  const box = createLoginMailbox();
  const user = await createVerifiedMailUser(box);
  const answer = await challenge(user.token, box);
  return { box, user, answer, code: codeTo(box, user.email) };
}

/** The token of a session that began with a login by email. */
async function logInByEmail(box: Mailbox, email: string): Promise<string> {
  const { request, byLink } = emailLoginOf(box);
  await request(email);
  const { body } = await byLink(box.tokenTo(email));
  return body.access_token;
}

describe("a step-up by a code from an email", () => {
  it("is sent with 202, without a link, and confirms once", async () => {
    const { box, user, answer, code } = await requestCode();
    expect([answer.status, answer.text]).toEqual([202, ""]);
    expect(box.subjectsTo(user.email).at(-1)).toBe("Confirm that it is you");
    expect(box.to(user.email).at(-1)?.text).not.toMatch(/rot_|https?:/);
    const { status, body } = await confirm(user.token, code);
    expect([status, body.acr]).toEqual([200, "aal2"]);
    expectProblem(await confirm(user.token, code), 401, "invalid_code");
  });

  it("counts by its class: after a login by email it adds nothing, after a password it does", async () => {
    const box = createLoginMailbox();
    const user = await createVerifiedMailUser(box);
    const token = await logInByEmail(box, user.email);
    await challenge(token, box);
    const byMailbox = await confirm(token, codeTo(box, user.email));
    expect([byMailbox.status, byMailbox.body.acr]).toEqual([200, "aal1"]);
    const byPassword = await stepUp(token, { method: "password", password: PASSWORD });
    expect(byPassword.body.acr).toBe("aal2");
  });

  it("does not stand in for the second factor after a login by email", async () => {
    const box = createLoginMailbox();
    const user = await createVerifiedMailUser(box);
    const token = await logInByEmail(box, user.email);
    const { secret } = await addTotp(user);
    await challenge(token, box);
    const { body } = await confirm(token, codeTo(box, user.email));
    expect(body.acr).toBe("aal1");
    const generate = { method: "POST", token: body.access_token };
    const refused = await send("/v1/auth/recovery-codes", generate);
    expectProblem(refused, 401, "insufficient_user_authentication");
    const strong = await stepUp(body.access_token, byTotp(await codeOf(secret)));
    expect(strong.body.acr).toBe("aal2");
  });

  it("is refused without a verified address", async () => {
    const box = createLoginMailbox();
    const { token } = await createTestUser();
    expectProblem(await challenge(token, box), 403, "email_not_verified");
    expectProblem(await confirm(token, "123456"), 401, "invalid_code");
  });

  it("takes five codes per account in 15 minutes", async () => {
    const { user, code } = await requestCode();
    for (let i = 1; i <= 5; i += 1) {
      expectProblem(await confirm(user.token, otherCode(code, i)), 401, "invalid_code");
    }
    expectProblem(await confirm(user.token, code), 429, "too_many_attempts");
  });

  it("confirms once of 20 parallel requests", async () => {
    const { user, code } = await requestCode();
    const answers = await Promise.all(Array.from({ length: 20 }, () => confirm(user.token, code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("sends one mail per minute, and a newer one voids the older", async () => {
    const clock = stopClock();
    const { box, user, code } = await requestCode();
    const mails = () => box.to(user.email).length;
    const before = mails();
    expect((await challenge(user.token, box)).status).toBe(202);
    expect(mails()).toBe(before);
    clock.pass(MINUTE);
    await challenge(user.token, box);
    expect(mails()).toBe(before + 1);
    const newer = codeTo(box, user.email);
    if (newer !== code) expectProblem(await confirm(user.token, code), 401, "invalid_code");
    clock.pass(10 * MINUTE - 1);
    expect((await confirm(user.token, newer)).status).toBe(200);
  });

  it("expires after ten minutes", async () => {
    const clock = stopClock();
    const { user, code } = await requestCode();
    clock.at(10 * MINUTE);
    expectProblem(await confirm(user.token, code), 401, "invalid_code");
  });

  it("is void once the address has changed, and its code logs nobody in", async () => {
    const { box, user, code } = await requestCode();
    const { byCode, request } = emailLoginOf(box);
    const { body } = await request(user.email);
    if (codeTo(box, user.email) !== code) {
      expectProblem(await byCode(body.login_token, code), 401, "invalid_code");
    }
    const admin = await createTestUser("admin");
    const change = {
      method: "PATCH",
      token: admin.token,
      body: { email: "elsewhere@example.com" },
    };
    await send(`/v1/users/${user.id}`, change);
    const purposes = await sqlAll("SELECT purpose FROM one_time_tokens WHERE user_id = ?", user.id);
    expect(purposes.map(({ purpose }) => purpose)).not.toContain("step_up_code");
  });
});
