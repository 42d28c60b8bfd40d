import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { manage } from "../support/credentials.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import {
  codeTo,
  createLoginMailbox,
  emailLoginOf,
  otherCode,
  requestLogin,
} from "../support/email-login.ts";
import { addTotp, byTotp, codeOf, halfLogIn, verify } from "../support/factors.ts";
import { createTestUser, newEmail, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

type Login = Awaited<ReturnType<typeof requestLogin>>;

/** Sends wrong codes for a login. */
async function guess({ byCode, loginToken, code }: Login, times: number) {
  const answers = [];
  for (let i = 1; i <= times; i += 1) {
    answers.push(await byCode(loginToken, otherCode(code, i)));
  }
  return answers.map(({ status }) => status);
}

/** Asks for another login of the same person, after the minute in which none is sent. */
async function requestAgain(login: Login, clock: { pass(ms: number): void }): Promise<Login> {
  clock.pass(MINUTE);
  const { body } = await login.request(login.user.email);
  const mail = login.box.to(login.user.email).at(-1);
  const code = /(?<!\S)(\d{6})(?!\S)/.exec(mail?.text ?? "")?.[1] ?? "";
  return {
    ...login,
    loginToken: body.login_token,
    code,
    token: login.box.tokenTo(login.user.email),
  };
}

describe("a login by email", () => {
  it("lasts for exactly ten minutes", async () => {
    const clock = stopClock();
    const [first, second] = [await requestLogin(), await requestLogin()];
    clock.at(10 * MINUTE - 1);
    expect((await first.byCode(first.loginToken, first.code)).status).toBe(200);
    clock.at(10 * MINUTE);
    expectProblem(await second.byCode(second.loginToken, second.code), 401, "invalid_code");
    expectProblem(await second.byLink(second.token), 401, "invalid_code");
  });

  it("is requested once per minute: a second request returns the same token and sends nothing", async () => {
    const clock = stopClock();
    const box = createLoginMailbox();
    const { request } = emailLoginOf(box);
    for (const email of [(await createVerifiedMailUser(box)).email, newEmail()]) {
      const mails = () => box.subjectsTo(email).filter((subject) => subject.startsWith("Log in"));
      const first = await request(email);
      const sent = mails().length;
      clock.pass(MINUTE - 1);
      const second = await request(email.toUpperCase());
      expect(second.body.login_token).toBe(first.body.login_token);
      expect(second.body.expires_in).toBe(541);
      expect(mails()).toHaveLength(sent);
      clock.pass(1);
      const third = await request(email);
      expect(third.body.login_token).not.toBe(first.body.login_token);
      expect(third.body.expires_in).toBe(600);
      expect(mails()).toHaveLength(2 * sent);
      clock.pass(MINUTE);
    }
  });

  it("sends at most five mails per hour, and then leaves the last link and the last code valid", async () => {
    const clock = stopClock();
    for (const use of ["link", "code"]) {
      const login = await requestLogin();
      const { box, user, request, byLink, byCode } = login;
      const mails = () => box.to(user.email).length - 1;
      const tokens = [];
      for (let i = 0; i < 7; i += 1) {
        clock.pass(MINUTE);
        tokens.push((await request(user.email)).body.login_token);
      }
      expect(mails()).toBe(5);
      // Those after the fifth email are the fifth's.
      expect(new Set(tokens.slice(3)).size).toBe(1);
      const answer =
        use === "link"
          ? await byLink(box.tokenTo(user.email))
          : await byCode(tokens.at(-1), codeTo(box, user.email));
      expect(answer.status).toBe(200);
    }
  });

  it("is sent again an hour after the first of five", async () => {
    const clock = stopClock();
    const login = await requestLogin();
    const mails = () => login.box.to(login.user.email).length - 1;
    for (let i = 0; i < 4; i += 1) await requestAgain(login, clock);
    clock.pass(56 * MINUTE - 1);
    await runCron(HOURLY);
    const early = await login.request(login.user.email);
    expect(mails()).toBe(5);
    expect(early.body.expires_in).toBe(600);
    const refused = await login.byCode(early.body.login_token, codeTo(login.box, login.user.email));
    expectProblem(refused, 401, "invalid_code");
    clock.pass(1);
    const { body } = await login.request(login.user.email);
    expect(mails()).toBe(6);
    const code = codeTo(login.box, login.user.email);
    expect((await login.byCode(body.login_token, code)).status).toBe(200);
  });

  it("keeps the times of the requests of the last hour, and no others", async () => {
    const clock = stopClock();
    let login = await requestLogin();
    for (let i = 0; i < 5; i += 1) {
      clock.pass(19 * MINUTE);
      login = await requestAgain(login, clock);
    }
    const rows = await sqlAll<{ recent_requests: string }>(
      "SELECT recent_requests FROM email_logins WHERE user_id = ?",
      login.user.id,
    );
    const now = Date.now();
    const times = [now - 40 * MINUTE, now - 20 * MINUTE, now];
    expect(rows).toEqual([{ recent_requests: JSON.stringify(times) }]);
  });

  it("voids the earlier one", async () => {
    const clock = stopClock();
    const older = await requestLogin();
    const newer = await requestAgain(older, clock);
    expectProblem(await older.byLink(older.token), 401, "invalid_code");
    expectProblem(await older.byCode(older.loginToken, older.code), 401, "invalid_code");
    expect((await newer.byCode(newer.loginToken, newer.code)).status).toBe(200);
  });

  it("is not used up by codes that are sent with the token of an earlier one", async () => {
    const clock = stopClock();
    const older = await requestLogin();
    const newer = await requestAgain(older, clock);
    expect(await guess(older, 5)).toEqual(Array(5).fill(401));
    expect((await newer.byCode(newer.loginToken, newer.code)).status).toBe(200);
  });

  it("takes five codes, and then none, not even the right one; the link still works", async () => {
    const login = await requestLogin();
    expect(await guess(login, 5)).toEqual(Array(5).fill(401));
    const refused = await login.byCode(login.loginToken, login.code);
    expectProblem(refused, 429, "too_many_attempts");
    const seconds = Number(refused.headers.get("Retry-After"));
    expect(seconds).toBeGreaterThan(500);
    expect(seconds).toBeLessThanOrEqual(600);
    expect((await login.byLink(login.token)).status).toBe(200);
  });

  it("takes ten codes per account in 15 minutes, whichever login they are for", async () => {
    const clock = stopClock();
    const first = await requestLogin();
    await guess(first, 5);
    const second = await requestAgain(first, clock);
    expect(await guess(second, 5)).toEqual(Array(5).fill(401));
    const third = await requestAgain(second, clock);
    const refused = await third.byCode(third.loginToken, third.code);
    expectProblem(refused, 429, "too_many_attempts");
    // The first of the ten was two minutes ago.
    expect(refused.headers.get("Retry-After")).toBe(String(13 * 60));
    clock.pass(9 * MINUTE);
    const fourth = await requestAgain(third, clock);
    clock.pass(3 * MINUTE);
    expect((await fourth.byCode(fourth.loginToken, fourth.code)).status).toBe(200);
  });

  it("counts alike for an address that nobody has", async () => {
    const clock = stopClock();
    const { request, byCode } = emailLoginOf(createLoginMailbox());
    const email = newEmail();
    const statuses = [];
    for (let i = 0; i < 3; i += 1) {
      const { body } = await request(email);
      for (let n = 0; n < 6; n += 1) {
        statuses.push((await byCode(body.login_token, "123456")).status);
      }
      clock.pass(MINUTE);
    }
    const five = Array(5).fill(401);
    expect(statuses).toEqual([...five, 429, ...five, 429, ...Array(6).fill(429)]);
  });

  it("counts a code before it evaluates it: of 20 wrong ones in parallel, five are evaluated", async () => {
    const { user, byCode, loginToken, code } = await requestLogin();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => byCode(loginToken, otherCode(code, i + 1))),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(15).fill(429)]);
    const failures = await sqlAll(
      "SELECT id FROM audit_events WHERE target_id = ? AND action = 'auth.login_failed'",
      user.id,
    );
    expect(failures).toHaveLength(5);
  });

  it("counts apart from passwords and second factors", async () => {
    const clock = stopClock();
    const login = await requestLogin();
    const { secret } = await addTotp(login.user);
    await guess(login, 5);
    await guess(await requestAgain(login, clock), 5);
    const options = { bindings: login.box.bindings };
    const token = await halfLogIn(login.user, options);
    expect((await verify(token, byTotp(await codeOf(secret)), options)).status).toBe(200);
  });

  it("is not held up by wrong passwords", async () => {
    const login = await requestLogin();
    const { bindings } = login.box;
    for (let i = 0; i < 11; i += 1) {
      const body = { username: login.user.username, password: "wrong password" };
      await send("/v1/auth/login", { body, bindings });
    }
    expect((await login.byCode(login.loginToken, login.code)).status).toBe(200);
  });

  it("clears the count, and so does an administrator", async () => {
    const clock = stopClock();
    const counted = (id: string) =>
      sqlAll("SELECT key FROM login_attempts WHERE key = ?", `email:${id}`);
    const login = await requestLogin();
    await guess(login, 2);
    expect(await counted(login.user.id)).toHaveLength(1);
    expect((await login.byCode(login.loginToken, login.code)).status).toBe(200);
    expect(await counted(login.user.id)).toEqual([]);
    const again = await requestAgain(login, clock);
    await guess(again, 5);
    const next = await requestAgain(again, clock);
    await guess(next, 5);
    const admin = await createTestUser("admin");
    expect((await manage(login.user.id, "unlock", admin)).status).toBe(204);
    expect(await counted(login.user.id)).toEqual([]);
    const last = await requestAgain(next, clock);
    expect((await last.byCode(last.loginToken, last.code)).status).toBe(200);
  });

  it("leaves nothing once it has expired, whether or not anyone has the address", async () => {
    const clock = stopClock();
    // Those of the tests above expire later.
    for (const table of ["email_logins", "login_attempts"]) await sqlRun(`DELETE FROM ${table}`);
    const login = await requestLogin();
    const { body } = await login.request(newEmail());
    await login.byCode(body.login_token, "123456");
    const count = async () => [
      (await sqlAll("SELECT * FROM email_logins")).length,
      (await sqlAll("SELECT * FROM login_attempts WHERE key LIKE 'email:%'")).length,
    ];
    expect((await count())[0]).toBeGreaterThanOrEqual(2);
    clock.pass(120 * MINUTE);
    await runCron(HOURLY);
    expect(await count()).toEqual([0, 0]);
  });
});
