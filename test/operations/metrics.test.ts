import { describe, expect, it } from "vitest";
import { renderExposition } from "../../src/operations/exposition.ts";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { FIVE_MINUTES, MINUTELY, runCron } from "../support/cron.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { readMetrics } from "../support/metrics.ts";
import { expectProblem } from "../support/problems.ts";

describe("GET /metrics", () => {
  it("counts pending and failed mails", async () => {
    const { id } = await createTestUser();
    const before = await readMetrics();
    const insert =
      "INSERT INTO mail_outbox (id, user_id, kind, address, created_at, next_attempt_at, failed_at) VALUES (?, ?, 'verify_email', 'a@b.example', ?, ?, ?)";
    const now = Date.now();
    const inThirtyDays = now + 30 * 86_400_000;
    await sqlRun(insert, "waiting", id, now - 90_000, now + 30_000, null);
    await sqlRun(insert, "given-up", id, now - 90_000_000, inThirtyDays, now - 1);
    await sqlRun(insert, "given-up-too", id, now - 90_000_000, inThirtyDays, now - 2);
    const after = await readMetrics();
    const grownBy = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    const age = after.get("roster_mail_outbox_oldest_age_seconds");
    expect(grownBy('roster_mail_outbox{state="failed"}')).toBe(2);
    expect(grownBy('roster_mail_outbox{state="pending"}')).toBe(1);
    expect(age).toBeGreaterThanOrEqual(90);
    expect(age).toBeLessThan(120);
  });

  it("reports the runs of a job", async () => {
    await sqlRun(
      "INSERT INTO job_leases (name, leased_until, runs, failures, items, last_run_at, last_success_at) VALUES ('sweep', 0, 3, 1, 42, 5000, 4000)",
    );
    const metrics = await readMetrics();
    expect(metrics.get('roster_job_runs_total{job_name="sweep"}')).toBe(3);
    expect(metrics.get('roster_job_failures_total{job_name="sweep"}')).toBe(1);
    expect(metrics.get('roster_job_items_total{job_name="sweep"}')).toBe(42);
    expect(metrics.get('roster_job_last_run_timestamp_seconds{job_name="sweep"}')).toBe(5);
    expect(metrics.get('roster_job_last_success_timestamp_seconds{job_name="sweep"}')).toBe(4);
  });

  it("reports whether the latest run of a job has finished", async () => {
    const now = Date.now();
    const insert = "INSERT INTO job_leases (name, leased_until) VALUES (?, ?)";
    await sqlRun(insert, "finished", 0);
    await sqlRun(insert, "running", now + 60_000);
    await sqlRun(insert, "stopped", now - 1);
    const metrics = await readMetrics();
    const unfinished = (name: string) => metrics.get(`roster_job_unfinished{job_name="${name}"}`);
    expect(["finished", "running", "stopped"].map(unfinished)).toEqual([0, 0, 1]);
  });

  it("has the time of a job's latest success, not of its latest failure", async () => {
    const { start, at: setTime } = stopClock();
    await runCron(MINUTELY);
    setTime(60_000);
    const failing = at(/^update "mail_outbox"/);
    await runCron(MINUTELY, faultyBindings({ d1: failing }));
    const metrics = await readMetrics();
    const ofJob = (name: string) => metrics.get(`roster_job_${name}{job_name="deliver_mail"}`);
    expect(ofJob("last_success_timestamp_seconds")).toBe(start / 1000);
    expect(ofJob("last_run_timestamp_seconds")).toBe(start / 1000 + 60);
    expect(ofJob("failures_total")).toBe(1);
  });

  it("counts users by status and role, and live sessions, as of the latest run of a job", async () => {
    stopClock();
    await runCron(FIVE_MINUTES);
    const before = await readMetrics();
    const people = [await createTestUser(), await createTestUser(), await createTestUser()];
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", people[0]?.id);
    await sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", people[1]?.id);
    await sqlRun("UPDATE sessions SET revoked_at = 1 WHERE user_id = ?", people[0]?.id);
    await sqlRun("UPDATE sessions SET expires_at = 1 WHERE user_id = ?", people[1]?.id);
    const admins = before.get('roster_users{status="active",role="admin"}') ?? 0;
    expect((await readMetrics()).get('roster_users{status="active",role="admin"}')).toBe(admins);
    await runCron(FIVE_MINUTES);
    const after = await readMetrics();
    const grownBy = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(grownBy('roster_users{status="active",role="user"}')).toBe(1);
    expect(grownBy('roster_users{status="inactive",role="user"}')).toBe(1);
    expect(grownBy('roster_users{status="deleted",role="user"}')).toBe(1);
    // Those who read the metrics before are administrators.
    expect(grownBy('roster_users{status="active",role="admin"}')).toBe(2);
    expect(grownBy("roster_sessions_live")).toBe(3);
    expect(after.get("roster_population_timestamp_seconds")).toBe(Date.now() / 1000);
  });

  it("counts more users and sessions than fit in one round trip", async () => {
    stopClock();
    await runCron(FIVE_MINUTES);
    const before = await readMetrics();
    const insertUsers = `INSERT INTO users (id, username, username_key, email, email_key, role, created_at, updated_at)
      SELECT 'many-' || value, 'm' || value, 'm' || value, 'm' || value, 'm' || value, 'user', 1, 1 FROM json_each(?)`;
    const insertSessions = `INSERT INTO sessions (id, user_id, created_at, last_used_at, rotated_at, expires_at, ends_at)
      SELECT 'many-' || value, 'many-' || value, 1, 1, 1, 9e15, 9e15 FROM json_each(?)`;
    const numbers = JSON.stringify(Array.from({ length: 10_500 }, (_, i) => i));
    await sqlRun(insertUsers, numbers);
    await sqlRun(insertSessions, numbers);
    await runCron(FIVE_MINUTES);
    const after = await readMetrics();
    const grownBy = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(grownBy('roster_users{status="active",role="user"}')).toBe(10_500);
    expect(grownBy("roster_sessions_live")).toBe(10_501);
  });

  it("escapes label values and help texts", () => {
    const labels = { path: 'C:\\a "quoted"\nline' };
    const help = 'A \\ and a\nline with "quotes"';
    const metric = { name: "m", type: "gauge", help, samples: [{ labels, value: 1 }] } as const;
    expect(renderExposition([metric])).toBe(
      '# HELP m A \\\\ and a\\nline with "quotes"\n# TYPE m gauge\nm{path="C:\\\\a \\"quoted\\"\\nline"} 1\n',
    );
  });

  it("can be read with an API key", async () => {
    const owner = await createTestUser("admin");
    const answer = await sendWithKey(await createTestKey(owner, ["metrics:read"]), "/metrics");
    expect(answer.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.text).toContain("# TYPE roster_http_requests_total counter\n");
    expectProblem(
      await sendWithKey(await createTestKey(owner, ["users:read"]), "/metrics"),
      403,
      "forbidden",
    );
  });

  it("requires metrics:read", async () => {
    const { token } = await createTestUser("moderator");
    expectProblem(await send("/metrics"), 401, "unauthenticated");
    expectProblem(await send("/metrics", { token }), 403, "forbidden");
  });
});
