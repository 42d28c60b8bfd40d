import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import { beforeStatement } from "../support/d1.ts";
import { auditOf, createTestUser, newAccount, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const HOUR = 3_600_000;

async function createEmailOwner() {
  const box = createMailbox();
  const user = await createMailUser(box);
  const me = async () =>
    (await send("/v1/users/me", { token: user.token, bindings: box.bindings })).body;
  return { box, user, old: user.email, next: `new.${user.email}`, me, ...flowsOf(box) };
}

const listAttempts = () => sqlAll("SELECT key, attempts FROM login_attempts ORDER BY key");

/** Requests an email change, and returns the token sent to the new address. */
async function requestEmailChange() {
  const all = await createEmailOwner();
  expect((await all.changeEmail(all.user.token, all.next)).status).toBe(202);
  return { ...all, token: all.box.tokenTo(all.next) };
}

describe("POST /v1/auth/email/change", () => {
  it("returns 202, asks the new address to confirm, notifies the old one and changes nothing yet", async () => {
    const { box, user, old, next, me, changeEmail, verify } = await createEmailOwner();
    await verify(box.tokenTo(old));
    const answer = await changeEmail(user.token, next);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 202, text: "" });
    expect(box.subjectsTo(next)).toEqual(["Confirm your new email address"]);
    expect(box.subjectsTo(old).at(-1)).toBe("Your email address is about to change");
    expect(box.to(old).at(-1)?.text).not.toMatch(/token|http/);
    expect(await me()).toMatchObject({ email: old, email_verified: true });
    const actions = (await auditOf(user.id)).map(({ action }) => action);
    expect(actions).toEqual(["user.created", "email.verified"]);
  });

  it("changes the email with the token from the new address, verified, and records email.changed", async () => {
    const { user, old, next, me, token, verify, logIn } = await requestEmailChange();
    const answer = await verify(token);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: user.id, email: next, email_verified: true });
    expect(await me()).toMatchObject({ email: next, email_verified: true });
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(event?.action).toBe("email.changed");
    expect(JSON.parse(event?.changes ?? "{}")).toEqual({ email: { from: old, to: next } });
    expect((await logIn(next)).status).toBe(200);
    expectProblem(await logIn(old), 401, "invalid_credentials");
  });

  it("frees the old address", async () => {
    const { box, old, token, verify } = await requestEmailChange();
    await verify(token);
    const body = newAccount({ email: old });
    const { status } = await send("/v1/auth/register", { body, bindings: box.bindings });
    expect(status).toBe(201);
  });

  it("requires the current password: a wrong one returns 401, counts as a failed login and sends nothing", async () => {
    const { box, user, next, changeEmail } = await createEmailOwner();
    expectProblem(await changeEmail(user.token, next, "wrong"), 401, "invalid_credentials");
    for (let i = 0; i < 9; i += 1) await changeEmail(user.token, next, "wrong");
    expectProblem(await changeEmail(user.token, next), 429, "too_many_attempts");
    expect(box.to(next)).toEqual([]);
  });

  it("returns 409 email_taken for another user's address in any case, without mail to that user", async () => {
    const { box, user, changeEmail } = await createEmailOwner();
    const other = await createMailUser(box);
    const before = box.sent.length;
    const answer = await changeEmail(user.token, other.email.toUpperCase());
    expectProblem(answer, 409, "email_taken");
    expect(box.sent.length).toBe(before);
  });

  it.each([
    ["the same", (email: string) => email],
    ["another case", (email: string) => email.toUpperCase()],
  ])(
    "returns 409 email_unchanged for the caller's own address in %s, sends nothing and counts no attempt",
    async (_, respell) => {
      const { box, user, old, next, changeEmail, verify } = await createEmailOwner();
      const pending = box.tokenTo(old);
      const before = box.sent.length;
      const attempts = await listAttempts();
      for (let i = 0; i < 11; i += 1) {
        const answer = await changeEmail(user.token, respell(old), i % 2 ? "wrong" : PASSWORD);
        expectProblem(answer, 409, "email_unchanged");
      }
      expect(box.sent.length).toBe(before);
      expect(await listAttempts()).toEqual(attempts);
      expect((await verify(pending)).status).toBe(200);
      expect((await changeEmail(user.token, next)).status).toBe(202);
    },
  );

  it("returns 409 email_unchanged if the address becomes the caller's own while the password is checked", async () => {
    const { box, user, next, changeEmail, verify } = await createEmailOwner();
    await changeEmail(user.token, next);
    const attempts = await listAttempts();
    const confirm = () => verify(box.tokenTo(next));
    const bindings = beforeStatement(/^delete from "login_attempts"/, confirm, box.bindings);
    const answer = await flowsOf({ bindings }).changeEmail(user.token, next);
    expectProblem(answer, 409, "email_unchanged");
    expect(await listAttempts()).toEqual(attempts);
    expect(box.to(next)).toHaveLength(1);
  });

  it("returns 409 email_taken to the link if the address has been taken since, and keeps the old one", async () => {
    const { box, old, next, me, token, verify } = await requestEmailChange();
    const body = newAccount({ email: next.toUpperCase() });
    await send("/v1/auth/register", { body, bindings: box.bindings });
    expectProblem(await verify(token), 409, "email_taken");
    expect(await me()).toMatchObject({ email: old, email_verified: false });
  });

  it("concurrent with registrations with that address gives it to one of them, and the others get 409", async () => {
    for (let round = 0; round < 5; round += 1) {
      const { box, next, me, token, verify } = await requestEmailChange();
      const register = () =>
        send("/v1/auth/register", { body: newAccount({ email: next }), bindings: box.bindings });
      const answers = await Promise.all([register(), verify(token), register()]);
      const statuses = answers.map(({ status }) => status);
      expect(statuses.filter((status) => status < 300)).toHaveLength(1);
      expect(statuses.filter((status) => status === 409)).toHaveLength(2);
      const owners = await sqlAll("SELECT id FROM users WHERE email_key = ?", next);
      expect(owners).toHaveLength(1);
      expect((await me()).email === next).toBe(answers[1].status === 200);
    }
  });

  it("works once, even for 10 concurrent requests", async () => {
    const { user, token, verify } = await requestEmailChange();
    const answers = await Promise.all(Array.from({ length: 10 }, () => verify(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(400)]);
    const actions = (await auditOf(user.id)).map(({ action }) => action);
    expect(actions).toEqual(["user.created", "email.changed"]);
  });

  it("works for exactly 24 hours", async () => {
    const clock = stopClock();
    const first = await requestEmailChange();
    const second = await requestEmailChange();
    clock.at(24 * HOUR - 1);
    expect((await first.verify(first.token)).status).toBe(200);
    clock.at(24 * HOUR);
    expectProblem(await second.verify(second.token), 400, "invalid_token");
  });

  it("voids the previous link when requested again", async () => {
    const { box, user, next, token, changeEmail, verify, me } = await requestEmailChange();
    const third = `third.${user.email}`;
    expect((await changeEmail(user.token, third)).status).toBe(202);
    expectProblem(await verify(token), 400, "invalid_token");
    expect((await verify(box.tokenTo(third))).status).toBe(200);
    expect((await me()).email).not.toBe(next);
  });

  it("returns 429 rate_limited for a sixth request within an hour, and the fifth link stays valid", async () => {
    const clock = stopClock();
    const { box, user, changeEmail, verify } = await createEmailOwner();
    const nth = (n: number) => `address${n}.${user.email}`;
    for (let n = 1; n <= 5; n += 1) {
      expect((await changeEmail(user.token, nth(n))).status).toBe(202);
      clock.pass(60_000);
    }
    const refused = await changeEmail(user.token, nth(6));
    expectProblem(refused, 429, "rate_limited");
    expect(refused.headers.get("Retry-After")).toBe("3600");
    expect(box.to(nth(6))).toEqual([]);
    expect((await verify(box.tokenTo(nth(5)))).status).toBe(200);
  });

  it("sends one email per minute to a new address: a second request returns 429 and the first link stays valid", async () => {
    const clock = stopClock();
    const { box, user, next, changeEmail, verify } = await createEmailOwner();
    expect((await changeEmail(user.token, next)).status).toBe(202);
    const refused = await changeEmail(user.token, next);
    expectProblem(refused, 429, "rate_limited");
    expect(refused.headers.get("Retry-After")).toBe("60");
    expect(box.to(next)).toHaveLength(1);
    expect((await verify(box.tokenTo(next))).status).toBe(200);
    clock.pass(60_000);
    expect((await changeEmail(user.token, `third.${next}`)).status).toBe(202);
  });

  it("sends no notice to an old address that is not verified", async () => {
    const { box, user, old, next, changeEmail } = await createEmailOwner();
    expect((await changeEmail(user.token, next)).status).toBe(202);
    expect(box.subjectsTo(old)).toEqual(["Confirm your email address"]);
  });

  it("voids every link sent to the old address", async () => {
    const { box, user, old, next, changeEmail, forgot, reset, verify } = await createEmailOwner();
    const confirm = box.tokenTo(old);
    await forgot(old);
    const forgotten = box.tokenTo(old);
    await changeEmail(user.token, next);
    expect((await verify(box.tokenTo(next))).status).toBe(200);
    expectProblem(await reset(forgotten, "another pass phrase"), 400, "invalid_token");
    expectProblem(await verify(confirm), 400, "invalid_token");
  });

  it.each([
    ["changes their password", "change"],
    ["resets their password", "reset"],
  ])("requested by a thief is cancelled when the owner %s", async (_, how) => {
    const { box, user, old, token, me, forgot, reset, verify } = await requestEmailChange();
    const NEW = "another pass phrase";
    if (how === "change") {
      const body = { current_password: PASSWORD, new_password: NEW };
      await send("/v1/auth/password/change", { body, token: user.token, bindings: box.bindings });
    } else {
      await forgot(old);
      expect((await reset(box.tokenTo(old), NEW)).status).toBe(204);
    }
    expectProblem(await verify(token), 400, "invalid_token");
    if (how === "change") expect((await me()).email).toBe(old);
  });

  it("is cancelled by a password change while its mail is pending", async () => {
    const clock = stopClock();
    const { box, user, next, changeEmail } = await createEmailOwner();
    box.faults.refuses = () => true;
    await changeEmail(user.token, next);
    const body = { current_password: PASSWORD, new_password: "another pass phrase" };
    await send("/v1/auth/password/change", { body, token: user.token, bindings: box.bindings });
    delete box.faults.refuses;
    clock.pass(HOUR);
    await runCron(MINUTELY, box.bindings);
    expect(box.to(next)).toEqual([]);
  });

  it("is cancelled when an administrator sets the address or deactivates the account", async () => {
    const admin = await createTestUser("admin");
    for (const body of [
      { email: `set.${crypto.randomUUID()}@example.com` },
      { is_active: false },
    ]) {
      const { user, token, verify } = await requestEmailChange();
      const edit = { method: "PATCH", body, token: admin.token };
      expect((await send(`/v1/users/${user.id}`, edit)).status).toBe(200);
      expectProblem(await verify(token), 400, "invalid_token");
    }
  });

  it("returns 401 without a token and 422 for an invalid address", async () => {
    const { user, changeEmail } = await createEmailOwner();
    const { bindings } = createMailbox();
    const body = { email: "a@example.com", current_password: PASSWORD };
    const anonymous = await send("/v1/auth/email/change", { body, bindings });
    expectProblem(anonymous, 401, "unauthenticated");
    expect((await changeEmail(user.token, "no address")).status).toBe(422);
    const empty = await send("/v1/auth/email/change", { body: {}, token: user.token, bindings });
    expect(faultsOf(empty)).toEqual(["current_password required", "email required"]);
  });
});
