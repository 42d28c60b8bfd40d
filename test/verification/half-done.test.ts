import { describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { allAuditOf, newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

/** Everything that a mail flow could have changed. */
async function stateOf(userId: string) {
  return {
    user: await sqlAll("SELECT email, email_verified, version FROM users WHERE id = ?", userId),
    tokens: await sqlAll("SELECT * FROM one_time_tokens WHERE user_id = ? ORDER BY 2", userId),
    mails: await sqlAll("SELECT id, kind FROM mail_outbox WHERE user_id = ? ORDER BY id", userId),
    actions: (await allAuditOf(userId)).map(({ action }) => action),
  };
}

/** Creates a user who may request another link, with the flows against a working D1. */
async function createUnverified() {
  const clock = stopClock();
  const box = createMailbox();
  const user = await createMailUser(box);
  clock.pass(60_000);
  return { box, user, flows: flowsOf(box) };
}

/** The same, with additional flows against a D1 that fails at a statement. */
async function createUnverifiedFailingAt(statement: RegExp) {
  const all = await createUnverified();
  const bindings = { ...faultyBindings({ d1: at(statement) }), EMAIL: all.box.EMAIL };
  return { ...all, failing: flowsOf({ bindings }) };
}

// The D1 round trips of these operations, each identified by one of its statements.
const CALLER_READ = /^select .* from "sessions" inner join "users"/;
const TOKEN_READ = /^select .* from "one_time_tokens" inner join "users"/;
const EMAIL_UPDATED = /^update "users" set "email"/;
const ATTEMPT_COUNTED = /^insert into "login_attempts"/;
const ATTEMPT_FORGOTTEN = /^delete from "login_attempts"/;
const MAIL_QUEUED = /insert into "mail_outbox"/;
const USER_INSERTED = /^insert into "users"/;

const expectUnavailable = (answer: Answer) => expectProblem(answer, 503, "service_unavailable");

const CONFIRMATION: [string, RegExp][] = [
  ["the token is read", TOKEN_READ],
  ["the email is updated", EMAIL_UPDATED],
];
const RESEND: [string, RegExp][] = [
  ["the caller is read", CALLER_READ],
  ["the mail is queued", MAIL_QUEUED],
];
const CHANGE_OF_EMAIL: [string, RegExp][] = [
  ["the caller is read", CALLER_READ],
  ["the attempt is counted", ATTEMPT_COUNTED],
  ["the attempt is forgotten", ATTEMPT_FORGOTTEN],
  ["the mails are queued", MAIL_QUEUED],
];

describe("if D1 fails when", () => {
  it.each(CONFIRMATION)(
    "%s, a confirmation changes nothing and succeeds when retried",
    async (_, statement) => {
      const { box, user, failing, flows } = await createUnverifiedFailingAt(statement);
      const token = box.tokenTo(user.email);
      const before = await stateOf(user.id);
      expectUnavailable(await failing.verify(token));
      expect(await stateOf(user.id)).toEqual(before);
      expect((await flows.verify(token)).status).toBe(200);
    },
  );

  it.each(RESEND)(
    "%s, a new link is not queued and the old one stays valid",
    async (_, statement) => {
      const { box, user, failing, flows } = await createUnverifiedFailingAt(statement);
      const token = box.tokenTo(user.email);
      const before = await stateOf(user.id);
      expectUnavailable(await failing.resend(user.token));
      expect(await stateOf(user.id)).toEqual(before);
      expect(box.to(user.email)).toHaveLength(1);
      expect((await flows.verify(token)).status).toBe(200);
    },
  );

  it.each(CHANGE_OF_EMAIL)("%s, an email change sends no mail", async (_, statement) => {
    const { box, user, failing, flows } = await createUnverifiedFailingAt(statement);
    const before = await stateOf(user.id);
    const sent = box.sent.length;
    expectUnavailable(await failing.changeEmail(user.token, `new.${user.email}`));
    expect(await stateOf(user.id)).toEqual(before);
    expect(box.sent).toHaveLength(sent);
    expect((await flows.changeEmail(user.token, `new.${user.email}`)).status).toBe(202);
    expect(box.sent).toHaveLength(sent + 1);
  });

  it.each(CONFIRMATION)(
    "%s, the confirmation of a new address keeps the old one",
    async (_, statement) => {
      const { box, user, failing, flows } = await createUnverifiedFailingAt(statement);
      await flows.changeEmail(user.token, `new.${user.email}`);
      const token = box.tokenTo(`new.${user.email}`);
      const before = await stateOf(user.id);
      expectUnavailable(await failing.verify(token));
      expect(await stateOf(user.id)).toEqual(before);
      expect((await flows.verify(token)).body.email).toBe(`new.${user.email}`);
    },
  );

  it("the user is inserted, a registration leaves no user, no event and no mail", async () => {
    const box = createMailbox();
    const account = newAccount();
    const counts = () =>
      sqlAll(
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM audit_events), (SELECT count(*) FROM mail_outbox)",
      );
    const before = await counts();
    const bindings = { ...faultyBindings({ d1: at(USER_INSERTED) }), EMAIL: box.EMAIL };
    expectUnavailable(await send("/v1/auth/register", { body: account, bindings }));
    expect(await counts()).toEqual(before);
    expect(box.sent).toEqual([]);
  });
});

describe("confirming a new address", () => {
  it("removes all tokens, and pending mail to the old address", async () => {
    const { box, user, flows } = await createUnverified();
    await flows.changeEmail(user.token, `new.${user.email}`);
    const token = box.tokenTo(`new.${user.email}`);
    box.faults.refuses = () => true;
    await flows.forgot(user.email);
    expect((await flows.verify(token)).status).toBe(200);
    const { tokens, mails } = await stateOf(user.id);
    expect(tokens).toEqual([]);
    expect(mails.map(({ kind }) => kind)).not.toContain("reset_password");
  });

  it("is refused while the account is inactive", async () => {
    const { box, user, flows } = await createUnverified();
    await flows.changeEmail(user.token, `new.${user.email}`);
    const token = box.tokenTo(`new.${user.email}`);
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", user.id);
    expectProblem(await flows.verify(token), 400, "invalid_token");
    await sqlRun("UPDATE users SET is_active = 1 WHERE id = ?", user.id);
    expect((await flows.verify(token)).status).toBe(200);
  });
});
