import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import { newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createMailbox, flowsOf, type Mailbox } from "../support/mail.ts";

const MINUTE = 60_000;

const register = (bindings: Cloudflare.Env, body = newAccount()) =>
  send("/v1/auth/register", { body, bindings });

const cron = ({ bindings }: Mailbox) => runCron(MINUTELY, bindings);

beforeEach(() => sqlRun("DELETE FROM mail_outbox"));

describe("a mail whose delivery response was lost", () => {
  async function registerWithLostResponse() {
    const clock = stopClock();
    const box = createMailbox();
    box.faults.losesAnswer = () => true;
    const account = newAccount();
    await register(box.bindings, account);
    delete box.faults.losesAnswer;
    expect(box.to(account.email)).toHaveLength(1);
    return { clock, box, email: account.email, first: box.tokenTo(account.email) };
  }

  it("is sent again with the same token, so that both links work", async () => {
    const { clock, box, email, first } = await registerWithLostResponse();
    clock.pass(MINUTE);
    await cron(box);
    expect(box.to(email)).toHaveLength(2);
    expect(box.tokenTo(email)).toBe(first);
    expect((await flowsOf(box).verify(first)).status).toBe(200);
  });

  it("is not sent again after its link was used", async () => {
    const { clock, box, email, first } = await registerWithLostResponse();
    expect((await flowsOf(box).verify(first)).status).toBe(200);
    clock.pass(MINUTE);
    await cron(box);
    expect(box.to(email)).toHaveLength(1);
    expect(await sqlAll("SELECT * FROM one_time_tokens WHERE address = ?", email)).toEqual([]);
  });
});

describe("mail to an erased user", () => {
  it("is not sent", async () => {
    const clock = stopClock();
    const box = createMailbox();
    box.faults.refuses = () => true;
    const { body } = await register(box.bindings);
    await sqlRun("DELETE FROM users WHERE id = ?", body.id);
    delete box.faults.refuses;
    clock.pass(60 * MINUTE);
    await cron(box);
    expect(box.sent).toEqual([]);
  });
});
