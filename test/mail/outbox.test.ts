import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox, flowsOf, type Mailbox } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

interface OutboxRow {
  id: string;
  attempts: number;
  next_attempt_at: number;
  lease: string | null;
  sent_at: number | null;
  failed_at: number | null;
}

const rowsOf = (userId: string) =>
  sqlAll<OutboxRow>("SELECT * FROM mail_outbox WHERE user_id = ? ORDER BY id", userId);

const register = (bindings: Cloudflare.Env, body = newAccount()) =>
  send("/v1/auth/register", { body, bindings });

const cron = ({ bindings }: Mailbox) => runCron(MINUTELY, bindings);

/** Registers a user while the mail provider is down. */
async function registerWhileProviderDown() {
  const clock = stopClock();
  const box = createMailbox();
  box.faults.refuses = () => true;
  const account = newAccount();
  const { body } = await register(box.bindings, account);
  const row = async () => (await rowsOf(body.id))[0] as OutboxRow;
  return { clock, box, id: body.id as string, email: account.email, row };
}

beforeEach(() => sqlRun("DELETE FROM mail_outbox"));

describe("the outbox", () => {
  it("queues with the change and sends after the response: one row, one mail", async () => {
    const clock = stopClock();
    const box = createMailbox();
    const { body } = await register(box.bindings);
    const [row, ...others] = await rowsOf(body.id);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ attempts: 1, lease: null, failed_at: null });
    expect(row?.sent_at).toBe(clock.start);
    expect(box.sent).toHaveLength(1);
    await cron(box);
    expect(box.sent).toHaveLength(1);
  });

  it("queues nothing for a registration that fails", async () => {
    const box = createMailbox();
    const taken = newAccount();
    await register(box.bindings, taken);
    const before = await sqlAll("SELECT count(*) AS mails FROM mail_outbox");
    expectProblem(await register(box.bindings, taken), 409, "email_taken");
    await sqlRun(`CREATE TRIGGER fail_mail BEFORE INSERT ON mail_outbox
      BEGIN SELECT RAISE(ABORT, 'no'); END`);
    const account = newAccount();
    const failed = await register(box.bindings, account);
    await sqlRun("DROP TRIGGER fail_mail");
    expectProblem(failed, 500, "internal_error");
    expect(await sqlAll("SELECT id FROM users WHERE username = ?", account.username)).toEqual([]);
    expect(await sqlAll("SELECT count(*) AS mails FROM mail_outbox")).toEqual(before);
    expect(box.sent).toHaveLength(1);
  });

  it("keeps the registration through three failed attempts, then sends one mail", async () => {
    const { clock, box, id, email, row } = await registerWhileProviderDown();
    const delays: number[] = [];
    for (let tries = 1; tries <= 3; tries += 1) {
      const { attempts, next_attempt_at, sent_at } = await row();
      expect({ attempts, sent_at }).toEqual({ attempts: tries, sent_at: null });
      delays.push(next_attempt_at - Date.now());
      clock.at(next_attempt_at - 1 - clock.start);
      await cron(box);
      expect(box.calls()).toBe(tries);
      clock.pass(1);
      if (tries === 3) delete box.faults.refuses;
      await cron(box);
    }
    for (const [i, delay] of delays.entries()) {
      const longest = 30 * SECOND * 2 ** i;
      expect(delay).toBeGreaterThanOrEqual(longest / 2);
      expect(delay).toBeLessThanOrEqual(longest);
    }
    expect(box.calls()).toBe(4);
    expect(box.sent).toHaveLength(1);
    const answer = await flowsOf(box).verify(box.tokenTo(email));
    expect(answer.body).toMatchObject({ id, email_verified: true });
    clock.pass(2 * HOUR);
    await cron(box);
    expect(box.calls()).toBe(4);
  });

  it("spreads retries over time", async () => {
    const box = createMailbox();
    stopClock();
    box.faults.refuses = () => true;
    const ids = await Promise.all(
      Array.from({ length: 8 }, async () => (await register(box.bindings)).body.id as string),
    );
    const rows = (await Promise.all(ids.map(rowsOf))).flat();
    expect(new Set(rows.map(({ next_attempt_at }) => next_attempt_at)).size).toBeGreaterThan(4);
  });

  it("retries at least hourly, gives up after a day, and logs that once", async () => {
    const { clock, box, row } = await registerWhileProviderDown();
    const logs = captureLogs();
    const delays: number[] = [];
    for (let i = 0; i < 200 && (await row()).failed_at === null; i += 1) {
      const { next_attempt_at } = await row();
      delays.push(next_attempt_at - Date.now());
      clock.at(next_attempt_at - clock.start);
      await cron(box);
    }
    const { failed_at, attempts, id } = await row();
    expect(Math.max(...delays)).toBeLessThanOrEqual(HOUR);
    expect(Number(failed_at) - clock.start).toBeGreaterThanOrEqual(24 * HOUR);
    expect(Number(failed_at) - clock.start).toBeLessThan(25 * HOUR);
    expect(logs.of("mail.given_up")).toMatchObject([{ level: "error", mail_id: id, attempts }]);
    expect(logs.of("mail.attempt_failed")).toHaveLength(attempts - 2);
    delete box.faults.refuses;
    clock.pass(48 * HOUR);
    await cron(box);
    expect(box.sent).toEqual([]);
  });

  it("logs neither the address nor the provider's error message", async () => {
    const logs = captureLogs();
    const { box, email } = await registerWhileProviderDown();
    await cron(box);
    expect(logs.of("mail.attempt_failed")).toHaveLength(1);
    expect(logs.text()).not.toContain(email);
    expect(logs.text()).not.toContain("refuses");
  });

  it("sends each mail once when two scheduled runs and requests are concurrent", async () => {
    const { clock, box } = await registerWhileProviderDown();
    for (let i = 0; i < 9; i += 1) await register(box.bindings);
    delete box.faults.refuses;
    clock.pass(MINUTE);
    const second = { ...box, bindings: { ...box.bindings } };
    await Promise.all([cron(box), cron(second), register(box.bindings), register(second.bindings)]);
    expect(new Set(box.sent.map(({ to }) => to)).size).toBe(12);
    expect(box.sent).toHaveLength(12);
  });

  it("sends a mail whose sender died once its lease of a minute has expired", async () => {
    const { clock, box, id, row } = await registerWhileProviderDown();
    delete box.faults.refuses;
    clock.pass(MINUTE);
    const leasedUntil = Date.now() + MINUTE;
    await sqlRun(
      "UPDATE mail_outbox SET lease = 'lost', leased_until = ? WHERE user_id = ?",
      leasedUntil,
      id,
    );
    clock.pass(MINUTE - 1);
    await cron(box);
    expect(box.sent).toEqual([]);
    clock.pass(1);
    await cron(box);
    expect(box.sent).toHaveLength(1);
    expect(await row()).toMatchObject({ attempts: 2, lease: null, sent_at: expect.any(Number) });
  });

  it("does not let a late sender update a mail that another run has leased", async () => {
    const { clock, box, id, row } = await registerWhileProviderDown();
    clock.pass(MINUTE);
    box.faults.refuses = () => true;
    const EMAIL = {
      send: async () => {
        await sqlRun("UPDATE mail_outbox SET lease = 'another' WHERE user_id = ?", id);
      },
    } as unknown as SendEmail;
    await runCron(MINUTELY, { ...box.bindings, EMAIL });
    expect(await row()).toMatchObject({ lease: "another", sent_at: null });
  });

  it.each([
    ["the job is claimed", /^insert into "job_leases"/],
    ["the mail is leased", /^update "mail_outbox" set "attempts"/],
    ["the link's token is stored", /^insert into "one_time_tokens"/],
    ["the outcome is recorded", /^update "mail_outbox" set "next_attempt_at"/],
    ["the job is released", /^update "job_leases"/],
  ])("loses no mail if D1 fails when %s, and sends it eventually", async (_, statement) => {
    const { clock, box, email, row } = await registerWhileProviderDown();
    delete box.faults.refuses;
    clock.pass(MINUTE);
    const faulty = { ...faultyBindings({ d1: at(statement) }), EMAIL: box.EMAIL };
    await runCron(MINUTELY, faulty);
    clock.pass(20 * MINUTE);
    await cron(box);
    clock.pass(20 * MINUTE);
    await cron(box);
    expect((await row()).sent_at).not.toBeNull();
    const links = new Set(box.to(email).map(({ text }) => text));
    expect(links.size).toBe(1);
    expect((await flowsOf(box).verify(box.tokenTo(email))).status).toBe(200);
  });
});
