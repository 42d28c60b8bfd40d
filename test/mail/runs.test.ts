import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import { newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox } from "../support/mail.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

const register = (bindings: Cloudflare.Env, body = newAccount()) =>
  send("/v1/auth/register", { body, bindings });

/** Queues mails of a kind, due since the given time, each to its own address. */
async function queue(count: number, kind: string, priority: number, dueAt: number) {
  const { body } = await register(createMailbox({ MAIL_TRANSPORT: "off" }).bindings);
  await sqlRun(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
    INSERT INTO mail_outbox (id, user_id, kind, address, priority, created_at, next_attempt_at)
    SELECT ?2 || '-' || i, ?3, ?2, 'n' || i || '@example.com', ?4, ?5, ?5 FROM n`,
    count,
    kind,
    body.id,
    priority,
    dueAt,
  );
}

const countWaiting = async () =>
  (await sqlAll("SELECT id FROM mail_outbox WHERE sent_at IS NULL AND failed_at IS NULL")).length;

beforeEach(async () => {
  await sqlRun("DELETE FROM mail_outbox");
  await sqlRun("DELETE FROM job_leases");
});

describe("a scheduled run", () => {
  it("sends a link first, although 60 notices have waited longer", async () => {
    const clock = stopClock();
    const box = createMailbox();
    await queue(60, "password_changed", 1, clock.start);
    clock.pass(MINUTE);
    box.faults.refuses = () => true;
    const account = newAccount();
    await register(box.bindings, account);
    delete box.faults.refuses;
    clock.pass(MINUTE);
    await runCron(MINUTELY, box.bindings);
    expect(box.sent[0]?.to).toBe(account.email);
    expect(box.sent).toHaveLength(61);
  });

  it("sends all mail that is due, in several batches", async () => {
    const clock = stopClock();
    const box = createMailbox();
    await queue(130, "password_changed", 1, clock.start);
    await runCron(MINUTELY, box.bindings);
    expect(new Set(box.sent.map(({ to }) => to)).size).toBe(130);
    expect(box.sent).toHaveLength(130);
    expect(await countWaiting()).toBe(0);
  });

  it("claims no further batch after 20 seconds, and the next run continues", async () => {
    const clock = stopClock();
    const box = createMailbox();
    await queue(130, "password_changed", 1, clock.start);
    // The second batch ends after 20 seconds.
    box.faults.losesAnswer = () => {
      if (box.sent.length === 1 || box.sent.length === 100) clock.pass(10 * SECOND);
      return false;
    };
    await runCron(MINUTELY, box.bindings);
    expect(box.sent).toHaveLength(100);
    expect(await countWaiting()).toBe(30);
    await runCron(MINUTELY, box.bindings);
    expect(box.sent).toHaveLength(130);
  });

  it("attempts at most 400 mails, because D1 limits the queries of an invocation", async () => {
    const clock = stopClock();
    const box = createMailbox();
    await queue(410, "password_changed", 1, clock.start);
    await runCron(MINUTELY, box.bindings);
    expect(box.sent).toHaveLength(400);
  });

  it("leases each batch from the time at which it begins", async () => {
    const clock = stopClock();
    const box = createMailbox();
    await queue(60, "password_changed", 1, clock.start);
    const leases: unknown[] = [];
    box.faults.losesAnswer = () => {
      if (box.sent.length === 50) clock.pass(10 * SECOND);
      return false;
    };
    const EMAIL = {
      send: async (mail: never) => {
        const [row] = await sqlAll("SELECT max(leased_until) AS until FROM mail_outbox");
        leases.push(row?.until);
        return box.EMAIL.send(mail);
      },
    } as unknown as SendEmail;
    await runCron(MINUTELY, { ...box.bindings, EMAIL });
    expect(leases[0]).toBe(clock.start + MINUTE);
    expect(leases.at(-1)).toBe(clock.start + 10 * SECOND + MINUTE);
  });
});

describe("a request", () => {
  it("sends its own mail, although 60 links have waited longer, and three of those", async () => {
    const clock = stopClock();
    const box = createMailbox();
    await queue(60, "reset_password", 0, clock.start);
    clock.pass(MINUTE);
    const account = newAccount();
    await register(box.bindings, account);
    expect(box.to(account.email)).toHaveLength(1);
    // The waiting links are of one user, and a newer link of a user voids the older: what counts is that they were attempted.
    const [row] = await sqlAll(
      "SELECT count(*) AS attempted FROM mail_outbox WHERE attempts > 0 AND kind = 'reset_password'",
    );
    expect(row?.attempted).toBe(3);
  });

  it("that queues no mail sends none", async () => {
    const clock = stopClock();
    const box = createMailbox();
    await queue(1, "password_changed", 1, clock.start);
    await send("/v1/auth/password/forgot", {
      body: { email: "nobody@example.com" },
      bindings: box.bindings,
    });
    expect(box.sent).toEqual([]);
  });
});

describe("a mail that Cloudflare's binding rejects", () => {
  /** Registers a user while the binding throws an error with this code. */
  async function registerWhile(code: string | undefined) {
    const clock = stopClock();
    const logs = captureLogs();
    const box = createMailbox();
    let calls = 0;
    const EMAIL = {
      send: async ({ to }: { to: string }) => {
        calls += 1;
        throw Object.assign(new Error(`cannot send to ${to}`), code && { code });
      },
    } as unknown as SendEmail;
    const account = newAccount();
    await register({ ...box.bindings, EMAIL }, account);
    for (let hour = 0; hour < 3; hour += 1) {
      clock.pass(60 * MINUTE);
      await runCron(MINUTELY, { ...box.bindings, EMAIL });
    }
    return { logs, account, calls };
  }

  it.each([
    "E_RECIPIENT_SUPPRESSED",
    "E_RECIPIENT_NOT_ALLOWED",
    "E_VALIDATION_ERROR",
    "E_FIELD_MISSING",
    "E_TOO_MANY_RECIPIENTS",
    "E_CONTENT_TOO_LARGE",
    "E_HEADER_VALUE_INVALID",
    "E_HEADERS_TOO_LARGE",
  ])("with %s is given up at once, and logged without its address", async (code) => {
    const { logs, account, calls } = await registerWhile(code);
    expect(calls).toBe(1);
    expect(logs.of("mail.refused")).toMatchObject([
      { level: "error", kind: "verify_email", attempts: 1, reason: code },
    ]);
    expect(logs.text()).not.toContain(account.email);
    const [row] = await sqlAll<Record<string, number>>(
      "SELECT sent_at, failed_at, next_attempt_at FROM mail_outbox WHERE address = ?",
      account.email,
    );
    expect(row).toMatchObject({ sent_at: null, failed_at: expect.any(Number) });
    expect(row?.next_attempt_at).toBe(Number(row?.failed_at) + 30 * DAY);
  });

  it.each([
    "E_RATE_LIMIT_EXCEEDED",
    "E_DAILY_LIMIT_EXCEEDED",
    "E_DELIVERY_FAILED",
    "E_INTERNAL_SERVER_ERROR",
    "E_SENDER_NOT_VERIFIED",
    "E_SENDER_DOMAIN_NOT_AVAILABLE",
    "E_SOMETHING_NEW",
    undefined,
  ])("with %s is tried again", async (code) => {
    const { logs, calls } = await registerWhile(code);
    expect(calls).toBe(4);
    expect(logs.of("mail.refused")).toEqual([]);
  });
});
