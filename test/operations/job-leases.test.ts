import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { HOURLY, MINUTELY, runCron } from "../support/cron.ts";
import { beforeEachStatement, beforeStatement } from "../support/d1.ts";
import { always, at, type FailsAt, faultyBindings } from "../support/faults.ts";
import { createTestUser, newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox, type Mailbox } from "../support/mail.ts";

const SECOND = 1000;
const MINUTE = 60_000;
const DAY = 86_400_000;

const CLAIM = /^insert into "job_leases"/;
const RELEASE = /^update "job_leases"/;
/** The statement of the job that runs every minute. */
const LEASE_MAIL = /^update "mail_outbox"/;

/** Fails at the first matching round trip only. */
function atFirst(pattern: RegExp): FailsAt {
  const matches = at(pattern);
  let hasFailed = false;
  return (sql) => {
    const fails = !hasFailed && matches(sql);
    hasFailed ||= fails;
    return fails;
  };
}

/** The other job of every minute. It is not what these tests are about. */
const OTHER = "deliver_alert_notices";

const leases = () =>
  sqlAll<{ name: string; leased_until: number }>(
    "SELECT name, leased_until FROM job_leases WHERE name <> ?",
    OTHER,
  );

const jobsOf = (logs: ReturnType<typeof captureLogs>) =>
  logs
    .of("cron.job")
    .map(({ job }) => job)
    .filter((job) => job !== OTHER);

beforeEach(() => sqlRun("DELETE FROM job_leases"));

describe("a job", () => {
  it("is leased while it runs and released afterwards", async () => {
    const during: unknown[] = [];
    const clock = stopClock();
    const bindings = beforeStatement(LEASE_MAIL, async () => during.push(...(await leases())));
    await runCron(MINUTELY, bindings);
    expect(during).toEqual([{ name: "deliver_mail", leased_until: clock.start + MINUTE }]);
    expect(await leases()).toEqual([{ name: "deliver_mail", leased_until: 0 }]);
  });

  it("is not started while another run holds its lease", async () => {
    stopClock();
    const logs = captureLogs();
    await runCron(
      MINUTELY,
      beforeStatement(LEASE_MAIL, () => runCron(MINUTELY)),
    );
    expect(jobsOf(logs)).toEqual(["deliver_mail"]);
  });

  it("whose run died is started again once its lease has expired", async () => {
    const clock = stopClock();
    await sqlRun(
      "INSERT INTO job_leases (name, leased_until) VALUES ('deliver_mail', ?)",
      clock.start + 10 * MINUTE,
    );
    const logs = captureLogs();
    clock.at(10 * MINUTE - 1);
    await runCron(MINUTELY);
    expect(jobsOf(logs)).toEqual([]);
    clock.at(10 * MINUTE);
    await runCron(
      MINUTELY,
      beforeStatement(LEASE_MAIL, () => runCron(MINUTELY)),
    );
    expect(jobsOf(logs)).toEqual(["deliver_mail"]);
    expect(logs.of("cron.job_failed")).toEqual([]);
  });

  it("that ran longer than its lease does not release another run's lease", async () => {
    const clock = stopClock();
    const theirs = clock.start + 60 * MINUTE;
    const bindings = beforeStatement(RELEASE, () =>
      sqlRun("UPDATE job_leases SET leased_until = ?", theirs),
    );
    await runCron(MINUTELY, bindings);
    expect(await leases()).toEqual([{ name: "deliver_mail", leased_until: theirs }]);
  });

  it("that fails releases its lease, and the next run repeats it", async () => {
    stopClock();
    const logs = captureLogs();
    await runCron(MINUTELY, faultyBindings({ d1: at(LEASE_MAIL), d1Message: "secret detail" }));
    expect(logs.of("cron.job_failed")).toMatchObject([{ job: "deliver_mail" }]);
    expect(logs.text()).not.toContain("secret detail");
    await runCron(MINUTELY);
    expect(jobsOf(logs)).toEqual(["deliver_mail"]);
  });

  it.each([
    ["the claim of a job", CLAIM],
    ["the release of a job", RELEASE],
    ["the search for deleted users", /^select "id" from "users"/],
    ["the deletion of sessions", /^delete from "sessions"/],
    ["the deletion of tokens", /^delete from "one_time_tokens"/],
    ["the deletion of login attempts", /delete from "login_attempts"/],
    ["the deletion of mail", /^delete from "mail_outbox"/],
  ])("that fails at %s stops neither the other jobs nor its own next run", async (_, statement) => {
    const logs = captureLogs();
    await runCron(HOURLY);
    const all = jobsOf(logs);
    expect(all.length).toBeGreaterThanOrEqual(5);
    await runCron(HOURLY, faultyBindings({ d1: atFirst(statement) }));
    const ran = jobsOf(logs).slice(all.length);
    const failed = logs.of("cron.job_failed").map(({ job }) => job);
    expect(failed).toHaveLength(1);
    expect(new Set([...failed, ...ran])).toEqual(new Set(all));
    await runCron(HOURLY);
    expect(jobsOf(logs).slice(all.length + ran.length)).toEqual(all);
  });

  it("fails and is logged, like all others, if D1 is down", async () => {
    const logs = captureLogs();
    await runCron(HOURLY, faultyBindings({ d1: always }));
    expect(logs.of("cron.job_failed").length).toBeGreaterThanOrEqual(5);
    expect(jobsOf(logs)).toEqual([]);
  });
});

describe("the hourly run", () => {
  it("deletes expired one-time tokens and no live ones", async () => {
    const { id } = await createTestUser();
    const now = Date.now();
    const rows = () =>
      sqlAll("SELECT purpose FROM one_time_tokens WHERE user_id = ? AND token_hash GLOB 't*'", id);
    await sqlRun("DELETE FROM one_time_tokens WHERE user_id = ?", id);
    await sqlRun(
      "INSERT INTO one_time_tokens VALUES (?1, 'verify_email', 't1', 'a', ?2 - 1000, 0), (?1, 'reset_password', 't2', 'a', ?2 + 60000, 0)",
      id,
      now,
    );
    await runCron(HOURLY);
    expect(await rows()).toEqual([{ purpose: "reset_password" }]);
  });

  /** Registers a user, which sends a mail. */
  const register = async ({ bindings }: Mailbox) =>
    (await send("/v1/auth/register", { body: newAccount(), bindings })).body.id as string;

  const recipients = async () =>
    (await sqlAll<{ user_id: string }>("SELECT user_id FROM mail_outbox")).map(
      ({ user_id }) => user_id,
    );

  it("deletes mail 30 days after it was sent, and no younger or pending mail", async () => {
    await sqlRun("DELETE FROM mail_outbox");
    const clock = stopClock();
    const box = createMailbox();
    const first = await register(box);
    clock.at(1);
    const second = await register(box);
    box.faults.refuses = () => true;
    clock.at(0);
    const waiting = await register(box);
    clock.at(30 * DAY - 1);
    await runCron(HOURLY);
    expect((await recipients()).sort()).toEqual([first, second, waiting].sort());
    clock.at(30 * DAY);
    await runCron(HOURLY);
    expect((await recipients()).sort()).toEqual([second, waiting].sort());
  });

  it("deletes mail 30 days after delivery was given up", async () => {
    await sqlRun("DELETE FROM mail_outbox");
    const clock = stopClock();
    const box = createMailbox();
    box.faults.refuses = () => true;
    const id = await register(box);
    clock.at(DAY);
    await runCron(MINUTELY, box.bindings);
    clock.at(31 * DAY - 1);
    await runCron(HOURLY);
    expect(await recipients()).toEqual([id]);
    clock.at(31 * DAY);
    await runCron(HOURLY);
    expect(await recipients()).toEqual([]);
  });

  it("deletes in batches of 1,000 rows until none are left", async () => {
    const left = await insertOldSessions(5010);
    const logs = captureLogs();
    await runCron(HOURLY);
    expect(await left()).toBe(0);
    const job = jobOf(logs, "delete_ended_sessions");
    expect(Number(job?.items)).toBeGreaterThanOrEqual(5010);
    expect(job?.finished).toBe(true);
  });
});

/** Inserts sessions that expired long ago. */
async function insertOldSessions(count: number) {
  const { id } = await createTestUser();
  await sqlRun(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
    INSERT INTO sessions (id, user_id, created_at, last_used_at, rotated_at, expires_at, ends_at)
    SELECT printf('00000000-0000-7000-8000-%012d', i), ?1, 0, 0, 0, i, 0 FROM n`,
    id,
    count,
  );
  return async () =>
    (await sqlAll("SELECT id FROM sessions WHERE user_id = ? AND created_at = 0", id)).length;
}

/** The latest run of a job. */
const jobOf = (logs: ReturnType<typeof captureLogs>, name: string) =>
  logs.of("cron.job").findLast(({ job }) => job === name);

describe("a run of an hourly job", () => {
  const DELETE_SESSIONS = /^delete from "sessions"/;

  /** Whether the metrics call the latest run of the job unfinished. */
  const isUnfinished = async () => {
    const { token } = await createTestUser("admin");
    const { text } = await send("/metrics", { token });
    return (
      /^roster_job_unfinished\{job_name="delete_ended_sessions"\} (\d)$/m.exec(text)?.[1] === "1"
    );
  };

  it("starts no round after 20 seconds, says so in log and metrics, and the next run continues", async () => {
    const clock = stopClock();
    const left = await insertOldSessions(3010);
    const slow = beforeEachStatement(DELETE_SESSIONS, async () => clock.pass(10 * SECOND));
    const logs = captureLogs();
    await runCron(HOURLY, slow);
    expect(await left()).toBe(1010);
    expect(jobOf(logs, "delete_ended_sessions")).toMatchObject({ items: 2000, finished: false });
    expect(jobOf(logs, "delete_old_mail")).toMatchObject({ finished: true });
    expect(await isUnfinished()).toBe(true);
    await runCron(HOURLY);
    expect(await left()).toBe(0);
    expect(jobOf(logs, "delete_ended_sessions")).toMatchObject({ items: 1010, finished: true });
    expect(await isUnfinished()).toBe(false);
  });

  it("keeps its lease for longer than it may run, even if its last round is slow", async () => {
    const clock = stopClock();
    await insertOldSessions(1010);
    const logs = captureLogs();
    let rounds = 0;
    const slow = beforeEachStatement(DELETE_SESSIONS, async () => {
      rounds += 1;
      clock.pass(20 * SECOND - 1 + 2 * MINUTE * (rounds - 1));
      await runCron(HOURLY);
    });
    await runCron(HOURLY, slow);
    expect(rounds).toBe(2);
    const runs = logs.of("cron.job").filter(({ job }) => job === "delete_ended_sessions");
    expect(runs).toMatchObject([{ items: 1010 }]);
  });

  it("that failed keeps the count of what it processed, and counts as unfinished", async () => {
    const left = await insertOldSessions(1010);
    let rounds = 0;
    const failing = (sql: string) => DELETE_SESSIONS.test(sql) && ++rounds === 2;
    await runCron(HOURLY, faultyBindings({ d1: failing }));
    expect(await left()).toBe(10);
    expect(await isUnfinished()).toBe(true);
    const [job] = await sqlAll("SELECT items, failures FROM job_leases WHERE failures > 0");
    expect(job).toEqual({ items: 1000, failures: 1 });
  });
});
