import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { beforeStatement } from "../support/d1.ts";
import { newAccount, PASSWORD, sqlRun } from "../support/fixtures.ts";
import { createMailbox, createMailUser, createVerifiedMailUser, flowsOf } from "../support/mail.ts";

const MINUTE = 60_000;

describe("a mailbox", () => {
  it("receives at most five mails of a kind per hour, however many accounts are created and deleted with its address", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const email = `victim.${newAccount().email}`;
    for (let round = 0; round < 7; round += 1) {
      const spelled = round % 2 ? email.toUpperCase() : email;
      const user = await createMailUser(box, { email: spelled });
      const { token } = user;
      await send("/v1/users/me", { method: "DELETE", token, bindings: box.bindings });
      clock.pass(MINUTE);
    }
    const mails = box.sent.filter(({ to }) => to.toLowerCase() === email);
    expect(mails).toHaveLength(5);
  });

  it("receives the lock-out mail at most once per minute", async () => {
    const clock = stopClock();
    const box = createMailbox({ LOGIN_ATTEMPT_LIMIT: "2", LOGIN_ATTEMPT_WINDOW_SECONDS: "60" });
    const { username, email } = await createVerifiedMailUser(box);
    const fail = () =>
      send("/v1/auth/login", { body: { username, password: "wrong" }, bindings: box.bindings });
    for (let second = 0; second < 120; second += 10) {
      await fail();
      clock.at(second * 1000);
    }
    const told = box.subjectsTo(email).filter((subject) => subject.includes("locked"));
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(2);
  });

  it("receives at most one mail of a kind per minute, even if the account is created by another", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const email = `victim.${newAccount().email}`;
    const { token } = await createMailUser(box, { email });
    await send("/v1/users/me", { method: "DELETE", token, bindings: box.bindings });
    clock.at(MINUTE - 1);
    const { token: second } = await createMailUser(box, { email });
    expect(box.to(email)).toHaveLength(1);
    clock.at(MINUTE);
    await flowsOf(box).resend(second);
    expect(box.to(email)).toHaveLength(2);
  });
});

/** Logs in from 11 devices and changes the password six times, each of which would cause a notice. */
async function causeNotices(
  box: ReturnType<typeof createMailbox>,
  { username, token }: { username: string; token: string },
) {
  const { bindings } = box;
  for (let device = 0; device < 11; device += 1) {
    const body = { username, password: PASSWORD };
    const headers = { "User-Agent": `device ${device}` };
    expect((await send("/v1/auth/login", { body, headers, bindings })).status).toBe(200);
  }
  let current_password = PASSWORD;
  for (let change = 0; change < 6; change += 1) {
    const new_password = `another pass phrase ${change}`;
    const body = { current_password, new_password };
    const answer = await send("/v1/auth/password/change", { body, token, bindings });
    expect(answer.status).toBe(204);
    current_password = new_password;
  }
}

describe("notices", () => {
  it("do not go to an address that nobody has verified: a stranger whose address was registered gets the first link alone", async () => {
    stopClock();
    const box = createMailbox();
    const user = await createMailUser(box);
    await causeNotices(box, user);
    expect(box.subjectsTo(user.email)).toEqual(["Confirm your email address"]);
  });

  it("go to a verified address once per minute per kind, and five times per hour", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    await causeNotices(box, user);
    const noticesOf = (kind: string) =>
      box.subjectsTo(user.email).filter((subject) => subject === kind);
    expect(noticesOf("New login to your account")).toHaveLength(1);
    expect(noticesOf("Your password was changed")).toHaveLength(1);
    let password = "another pass phrase 5";
    for (let minute = 1; minute < 10; minute += 1) {
      clock.at(minute * MINUTE);
      const body = { current_password: password, new_password: `phrase of minute ${minute}` };
      const { token, bindings } = { ...user, ...box };
      await send("/v1/auth/password/change", { body, token, bindings });
      password = body.new_password;
    }
    expect(noticesOf("Your password was changed")).toHaveLength(5);
  });

  it("do not go to an address that is no longer the user's when the notice is queued", async () => {
    stopClock();
    const box = createMailbox();
    const user = await createVerifiedMailUser(box);
    const setAddress = () =>
      sqlRun("UPDATE users SET email = 'other@example.com' WHERE id = ?", user.id);
    const bindings = beforeStatement(/insert into "mail_outbox"/, setAddress, box.bindings);
    const body = { current_password: PASSWORD, new_password: "another pass phrase" };
    await send("/v1/auth/password/change", { body, token: user.token, bindings });
    expect(box.subjectsTo(user.email)).toEqual(["Confirm your email address"]);
  });
});
