import { beforeEach, describe, expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, NIGHTLY, runCron } from "../support/cron.ts";
import { always, faultyBindings, nth } from "../support/faults.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { beforeNthD1 } from "../support/interleave.ts";
import { catchLogs } from "../support/logs.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

const leases = () =>
  sqlAll<{ name: string; leased_until: number }>("SELECT name, leased_until FROM job_leases");

const jobsOf = (logs: ReturnType<typeof catchLogs>) => logs.of("cron.job").map(({ job }) => job);

beforeEach(() => sqlRun("DELETE FROM job_leases"));

describe("a job", () => {
  it("is taken while it runs and given back afterwards", async () => {
    const during: unknown[] = [];
    const clock = stopClock();
    const bindings = beforeNthD1(2, async () => during.push(...(await leases())));
    await runCron(MINUTELY, bindings);
    expect(during).toEqual([{ name: "deliver_mail", leased_until: clock.start + MINUTE }]);
    expect(await leases()).toEqual([{ name: "deliver_mail", leased_until: 0 }]);
  });

  it("is not begun while another run is at it", async () => {
    stopClock();
    const logs = catchLogs();
    await runCron(
      MINUTELY,
      beforeNthD1(2, () => runCron(MINUTELY)),
    );
    expect(jobsOf(logs)).toEqual(["deliver_mail"]);
  });

  it("whose run vanished is begun again once its lease is over, by one of two", async () => {
    const clock = stopClock();
    await sqlRun(
      "INSERT INTO job_leases (name, leased_until) VALUES ('deliver_mail', ?)",
      clock.start + 10 * MINUTE,
    );
    const logs = catchLogs();
    clock.at(10 * MINUTE - 1);
    await runCron(MINUTELY);
    expect(jobsOf(logs)).toEqual([]);
    clock.at(10 * MINUTE);
    await Promise.all([runCron(MINUTELY), runCron(MINUTELY)]);
    expect(jobsOf(logs).length).toBeGreaterThanOrEqual(1);
    expect(logs.of("cron.job_failed")).toEqual([]);
  });

  it("that ran over its time does not give back what is another's", async () => {
    const clock = stopClock();
    const theirs = clock.start + 60 * MINUTE;
    const bindings = beforeNthD1(3, () => sqlRun("UPDATE job_leases SET leased_until = ?", theirs));
    await runCron(MINUTELY, bindings);
    expect(await leases()).toEqual([{ name: "deliver_mail", leased_until: theirs }]);
  });

  it("that fails gives its lease back, and the next run does it", async () => {
    stopClock();
    const logs = catchLogs();
    await runCron(MINUTELY, faultyBindings({ d1: nth(2), d1Message: "secret detail" }));
    expect(logs.of("cron.job_failed")).toMatchObject([{ job: "deliver_mail" }]);
    expect(logs.text()).not.toContain("secret detail");
    await runCron(MINUTELY);
    expect(jobsOf(logs)).toEqual(["deliver_mail"]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "failing at round trip %i of the night keeps no other from running",
    async (n) => {
      const logs = catchLogs();
      await runCron(NIGHTLY);
      const all = jobsOf(logs);
      expect(all.length).toBeGreaterThanOrEqual(5);
      const failing = faultyBindings({ d1: nth(n) });
      await runCron(NIGHTLY, failing);
      const ran = new Set(jobsOf(logs).slice(all.length));
      expect(logs.of("cron.job_failed")).toHaveLength(1);
      expect(ran.size).toBeGreaterThanOrEqual(all.length - 1);
    },
  );

  it("with D1 down altogether fails quietly, each of them", async () => {
    const logs = catchLogs();
    await runCron(NIGHTLY, faultyBindings({ d1: always }));
    expect(logs.of("cron.job_failed").length).toBeGreaterThanOrEqual(5);
    expect(jobsOf(logs)).toEqual([]);
  });
});

describe("the nightly run", () => {
  it("deletes one-time tokens that have expired, and none that is live", async () => {
    const { id } = await createTestUser();
    const now = Date.now();
    const rows = () =>
      sqlAll("SELECT purpose FROM one_time_tokens WHERE user_id = ? AND token_hash GLOB 't*'", id);
    await sqlRun("DELETE FROM one_time_tokens WHERE user_id = ?", id);
    await sqlRun(
      "INSERT INTO one_time_tokens VALUES (?1, 'verify_email', 't1', 'a', ?2 - 1000), (?1, 'reset_password', 't2', 'a', ?2 + 60000)",
      id,
      now,
    );
    await runCron(NIGHTLY);
    expect(await rows()).toEqual([{ purpose: "reset_password" }]);
  });

  it("deletes mail that was asked for 30 days ago, and none that is younger", async () => {
    const clock = stopClock();
    const { id } = await createTestUser();
    await sqlRun("DELETE FROM mail_outbox");
    const insert = (name: string, age: number) =>
      sqlRun(
        `INSERT INTO mail_outbox (id, user_id, kind, address, created_at, next_attempt_at, sent_at)
        VALUES (?1, ?2, 'new_sign_in', 'a@example.com', ?3, ?3, ?3)`,
        name,
        id,
        clock.start - age,
      );
    await insert("old", 30 * DAY + 1);
    await insert("young", 30 * DAY);
    await runCron(NIGHTLY);
    expect(await sqlAll("SELECT id FROM mail_outbox")).toEqual([{ id: "young" }]);
  });

  it("goes on, 1,000 rows at a time, until none of a kind is left", async () => {
    const { id } = await createTestUser();
    await sqlRun(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5010)
      INSERT INTO sessions (id, user_id, created_at, last_used_at, rotated_at, expires_at, ends_at)
      SELECT 'old-' || i, ?, 0, 0, 0, i, 0 FROM n`,
      id,
    );
    const left = async () => (await sqlAll("SELECT id FROM sessions WHERE id GLOB 'old-*'")).length;
    const logs = catchLogs();
    await runCron(NIGHTLY);
    expect(await left()).toBe(0);
    const [job] = logs.of("cron.job").filter(({ job }) => job === "delete_ended_sessions");
    expect(Number(job?.items)).toBeGreaterThanOrEqual(5010);
  });
});
