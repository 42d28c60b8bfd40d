import { describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { faultyBindings, nth } from "../support/faults.ts";
import { allAuditOf, newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

/** All that a flow of mail could have changed. */
async function stateOf(userId: string) {
  return {
    user: await sqlAll("SELECT email, email_verified, version FROM users WHERE id = ?", userId),
    tokens: await sqlAll("SELECT * FROM one_time_tokens WHERE user_id = ? ORDER BY 2", userId),
    mails: await sqlAll("SELECT id, kind FROM mail_outbox WHERE user_id = ? ORDER BY id", userId),
    actions: (await allAuditOf(userId)).map(({ action }) => action),
  };
}

/** Someone whose link may be asked for again, and the flows over a D1 that fails at its n-th round trip. */
async function someone(n: number) {
  const clock = stopClock();
  const box = createMailbox();
  const user = await createMailUser(box);
  clock.pass(60_000);
  const bindings = { ...faultyBindings({ d1: nth(n) }), EMAIL: box.EMAIL };
  return { box, user, failing: flowsOf({ bindings }), flows: flowsOf(box) };
}

const expectUnavailable = (answer: Answer) => expectProblem(answer, 503, "service_unavailable");

describe("with D1 failing at round trip", () => {
  it.each([1, 2])("%i, a confirmation changes nothing, and works when sent again", async (n) => {
    const { box, user, failing, flows } = await someone(n);
    const token = box.tokenTo(user.email);
    const before = await stateOf(user.id);
    expectUnavailable(await failing.verify(token));
    expect(await stateOf(user.id)).toEqual(before);
    expect((await flows.verify(token)).status).toBe(200);
  });

  it.each([1, 2, 3])(
    "%i, a link asked for again is not queued, and the old one is good",
    async (n) => {
      const { box, user, failing, flows } = await someone(n);
      const token = box.tokenTo(user.email);
      const before = await stateOf(user.id);
      expectUnavailable(await failing.resend(user.token));
      expect(await stateOf(user.id)).toEqual(before);
      expect(box.to(user.email)).toHaveLength(1);
      expect((await flows.verify(token)).status).toBe(200);
    },
  );

  it.each([1, 2, 3, 4, 5])("%i, a change of email asks nobody and tells nobody", async (n) => {
    const { box, user, failing, flows } = await someone(n);
    const before = await stateOf(user.id);
    const sent = box.sent.length;
    expectUnavailable(await failing.changeEmail(user.token, `new.${user.email}`));
    expect(await stateOf(user.id)).toEqual(before);
    expect(box.sent).toHaveLength(sent);
    expect((await flows.changeEmail(user.token, `new.${user.email}`)).status).toBe(202);
    expect(box.sent).toHaveLength(sent + 2);
  });

  it.each([1, 2])("%i, the confirmation of a new address leaves the old one", async (n) => {
    const { box, user, failing, flows } = await someone(n);
    await flows.changeEmail(user.token, `new.${user.email}`);
    const token = box.tokenTo(`new.${user.email}`);
    const before = await stateOf(user.id);
    expectUnavailable(await failing.verify(token));
    expect(await stateOf(user.id)).toEqual(before);
    expect((await flows.verify(token)).body.email).toBe(`new.${user.email}`);
  });

  it("1, a registration leaves no user, no event and no mail", async () => {
    const box = createMailbox();
    const account = newAccount();
    const counts = () =>
      sqlAll(
        "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM audit_events), (SELECT count(*) FROM mail_outbox)",
      );
    const before = await counts();
    const bindings = { ...faultyBindings({ d1: nth(1) }), EMAIL: box.EMAIL };
    expectUnavailable(await send("/v1/auth/register", { body: account, bindings }));
    expect(await counts()).toEqual(before);
    expect(box.sent).toEqual([]);
  });
});

describe("a new address", () => {
  it("leaves no token behind, and no mail to the old one that still waits", async () => {
    const { box, user, flows } = await someone(0);
    await flows.changeEmail(user.token, `new.${user.email}`);
    const token = box.tokenTo(`new.${user.email}`);
    box.faults.refuses = () => true;
    await flows.forgot(user.email);
    expect((await flows.verify(token)).status).toBe(200);
    const { tokens, mails } = await stateOf(user.id);
    expect(tokens).toEqual([]);
    expect(mails.map(({ kind }) => kind)).not.toContain("reset_password");
  });

  it("is not confirmed for an account that is inactive, whoever made it so", async () => {
    const { box, user, flows } = await someone(0);
    await flows.changeEmail(user.token, `new.${user.email}`);
    const token = box.tokenTo(`new.${user.email}`);
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", user.id);
    expectProblem(await flows.verify(token), 400, "invalid_token");
    await sqlRun("UPDATE users SET is_active = 1 WHERE id = ?", user.id);
    expect((await flows.verify(token)).status).toBe(200);
  });
});
