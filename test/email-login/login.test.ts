import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import {
  createLoginMailbox,
  emailLoginOf,
  otherCode,
  requestLogin,
} from "../support/email-login.ts";
import { addTotp, byTotp, codeOf, requireFactor, verify } from "../support/factors.ts";
import { allAuditOf, newEmail, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createVerifiedMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

function claimsOf(token: string) {
  return JSON.parse(atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/")));
}

describe("POST /v1/auth/email-login", () => {
  it("returns 202 with a login_token, and sends a link and a code in one mail", async () => {
    const { box, user, loginToken, code, token } = await requestLogin();
    expect(loginToken).toMatch(/^rel_[\w-]+$/);
    expect(box.subjectsTo(user.email)).toEqual([
      "Confirm your email address",
      "Log in to your account",
    ]);
    const mail = box.to(user.email).at(-1);
    expect(mail?.text).toContain(`https://roster.test/email-login#token=${token}`);
    expect(mail?.html).toContain(code);
    expect(mail?.subject).not.toContain(code);
  });

  it("answers with expires_in 600 and no-store, and takes a locale", async () => {
    const { request } = emailLoginOf(createLoginMailbox());
    const { status, body, headers } = await request(newEmail(), { locale: "de-CH" });
    expect([status, body.expires_in, headers.get("Cache-Control")]).toEqual([202, 600, "no-store"]);
  });

  it("finds the address in any case and with surrounding spaces, and sends to the stored one", async () => {
    const box = createLoginMailbox();
    const user = await createVerifiedMailUser(box);
    await emailLoginOf(box).request(`  ${user.email.toUpperCase()} `);
    expect(box.subjectsTo(user.email)).toContain("Log in to your account");
  });

  it("is refused with 404 while EMAIL_LOGIN is off, which is the default", async () => {
    const { token, code, loginToken } = await requestLogin();
    const off = emailLoginOf(createLoginMailbox({ EMAIL_LOGIN: undefined }));
    expectProblem(await off.request(newEmail()), 404, "not_found");
    expectProblem(await off.byLink(token), 404, "not_found");
    expectProblem(await off.byCode(loginToken, code), 404, "not_found");
  });

  it("returns 503 if the service cannot send mail", async () => {
    const bindings = { ...createLoginMailbox().bindings, EMAIL: undefined };
    const { request } = emailLoginOf({ bindings: bindings as unknown as Cloudflare.Env });
    expectProblem(await request(newEmail()), 503, "mail_not_configured");
  });

  it("returns 422 for an invalid body", async () => {
    const { request, verify: post } = emailLoginOf(createLoginMailbox());
    expect(faultsOf(await request("nope"))).toEqual(["email invalid_format"]);
    expect(faultsOf(await request(newEmail(), { locale: "?" }))).toEqual(["locale invalid_format"]);
    for (const body of [
      {},
      { code: "123456" },
      { login_token: "rel_x" },
      { token: "rot_x", code: "123456" },
    ]) {
      expect(faultsOf(await post(body))).toEqual(["token token_or_code"]);
    }
  });

  it("counts against the auth limit of the caller's IP address, as its verification does", async () => {
    const flows = emailLoginOf(createLoginMailbox({ RATE_LIMIT_AUTH: "2/60" }));
    await flows.request(newEmail());
    expectProblem(await flows.byLink("rot_x"), 401, "invalid_code");
    expectProblem(await flows.request(newEmail()), 429, "rate_limited");
    expectProblem(await flows.byLink("rot_x"), 429, "rate_limited");
  });
});

describe("POST /v1/auth/email-login/verify", () => {
  it("starts a session by the link, once", async () => {
    const { user, token, byLink } = await requestLogin();
    const { status, body } = await byLink(token);
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)).toMatchObject({ acr: "aal1", amr: ["email"] });
    const me = await send("/v1/auth/me", { token: body.access_token });
    expect(me.body.user.id).toBe(user.id);
    expectProblem(await byLink(token), 401, "invalid_code");
  });

  it("starts a session by the code, typed with spaces, once, which uses up the link", async () => {
    const { token, code, loginToken, byLink, byCode } = await requestLogin();
    const answer = await byCode(loginToken, ` ${code.slice(0, 3)} ${code.slice(3)}`);
    expect(answer.status).toBe(200);
    expectProblem(await byCode(loginToken, code), 401, "invalid_code");
    expectProblem(await byLink(token), 401, "invalid_code");
  });

  it("refuses the code once the link was used", async () => {
    const { token, code, loginToken, byLink, byCode } = await requestLogin();
    expect((await byLink(token)).status).toBe(200);
    expectProblem(await byCode(loginToken, code), 401, "invalid_code");
  });

  it("refuses a code with the login_token of another login", async () => {
    const box = createLoginMailbox();
    const [one, other] = [await requestLogin(box), await requestLogin(box)];
    expectProblem(await one.byCode(other.loginToken, one.code), 401, "invalid_code");
    const stranger = (await one.request(newEmail())).body.login_token;
    expectProblem(await one.byCode(stranger, one.code), 401, "invalid_code");
    expect((await one.byCode(one.loginToken, one.code)).status).toBe(200);
  });

  it("records the login, and a wrong code with its reason", async () => {
    const { user, code, loginToken, byCode } = await requestLogin();
    await byCode(loginToken, otherCode(code));
    await byCode(loginToken, code);
    const events = (await allAuditOf(user.id)) as unknown as { action: string; metadata: object }[];
    const [failed, succeeded] = events.slice(-2);
    expect(failed).toMatchObject({
      action: "auth.login_failed",
      metadata: { reason: "invalid_code" },
    });
    expect(succeeded).toMatchObject({
      action: "auth.login_succeeded",
      metadata: { methods: ["email"] },
    });
  });

  it("is refused for an account that was deactivated or deleted, or whose address has changed since", async () => {
    for (const change of [
      "UPDATE users SET is_active = 0 WHERE id = ?",
      "UPDATE users SET deleted_at = 1 WHERE id = ?",
      "UPDATE users SET email_key = 'moved@example.com' WHERE id = ?",
    ]) {
      const { user, token, code, loginToken, byCode, byLink } = await requestLogin();
      await sqlRun(change, user.id);
      expectProblem(await byCode(loginToken, code), 401, "invalid_code");
      expectProblem(await byLink(token), 401, "invalid_code");
      await sqlRun("UPDATE users SET deleted_at = 1, email_key = id WHERE id = ?", user.id);
    }
  });

  it("takes no token of another mail, and its token is good for nothing else", async () => {
    const { box, user, token, byLink } = await requestLogin();
    const { verify: confirm, forgot, reset } = flowsOf(box);
    expectProblem(await confirm(token), 400, "invalid_token");
    expectProblem(await reset(token, "another pass phrase"), 400, "invalid_token");
    await forgot(user.email);
    expectProblem(await byLink(box.tokenTo(user.email)), 401, "invalid_code");
    expect((await byLink(token)).status).toBe(200);
  });

  it("asks for the second factor, for which the mailbox does not count again", async () => {
    const { box, user, token, byLink } = await requestLogin();
    const { secret } = await addTotp(user);
    const answer = await byLink(token);
    expectProblem(answer, 401, "mfa_required");
    expect(answer.body.methods).toEqual(["totp", "recovery_code"]);
    const { bindings } = box;
    const byEmail = { method: "email_code", code: "123456" };
    expect((await verify(answer.body.mfa_token, byEmail, { bindings })).status).toBe(422);
    const done = await verify(answer.body.mfa_token, byTotp(await codeOf(secret)), { bindings });
    expect(done.status).toBe(200);
    expect(claimsOf(done.body.access_token)).toMatchObject({
      acr: "aal2",
      amr: ["otp", "email", "mfa"],
    });
  });

  it("asks to enrol where the role requires a second factor", async () => {
    const { user, code, loginToken, byCode } = await requestLogin();
    await requireFactor(user);
    expectProblem(await byCode(loginToken, code), 401, "mfa_enrollment_required");
  });

  it("lets in people without a password", async () => {
    const { user, token, byLink } = await requestLogin();
    await sqlRun("UPDATE users SET password_hash = NULL WHERE id = ?", user.id);
    expect((await byLink(token)).status).toBe(200);
  });

  it("never happens by GET", async () => {
    const { box, token, byLink } = await requestLogin();
    const { bindings } = box;
    const read = await send("/v1/auth/email-login/verify", { bindings });
    expectProblem(read, 405, "method_not_allowed");
    const page = await send(`/email-login?token=${token}`, { bindings });
    expect([page.status, page.headers.get("Content-Type")]).toEqual([
      200,
      expect.stringMatching(/^text\/html/),
    ]);
    expect((await byLink(token)).status).toBe(200);
  });

  it("stores neither token nor code", async () => {
    const { user, token, code, loginToken } = await requestLogin();
    const rows = [
      ...(await sqlAll("SELECT * FROM one_time_tokens WHERE user_id = ?", user.id)),
      ...(await sqlAll("SELECT * FROM email_logins")),
    ];
    const values = rows.flatMap((row) => Object.values(row)).map(String);
    expect(values).not.toContain(code);
    for (const secret of [token.slice(4), loginToken.slice(4)]) {
      expect(values.join(" ")).not.toContain(secret);
    }
  });
});
