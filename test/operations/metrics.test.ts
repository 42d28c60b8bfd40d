import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

async function readMetrics(): Promise<Map<string, number>> {
  const { token } = await createTestUser("admin");
  const { text, headers } = await send("/metrics", { token });
  expect(headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const samples = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(
    samples.map((line): [string, number] => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe("GET /metrics", () => {
  it("counts pending and failed mails", async () => {
    const { id } = await createTestUser();
    const before = await readMetrics();
    const insert =
      "INSERT INTO mail_outbox (id, user_id, kind, address, created_at, next_attempt_at, failed_at) VALUES (?, ?, 'verify_email', 'a@b.example', 1, 9e15, ?)";
    await sqlRun(insert, "waiting", id, null);
    await sqlRun(insert, "given-up", id, 1);
    await sqlRun(insert, "given-up-too", id, 2);
    const after = await readMetrics();
    const grownBy = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(grownBy('roster_mail_outbox{state="failed"}')).toBe(2);
    expect(grownBy('roster_mail_outbox{state="pending"}')).toBe(1);
  });

  it("reports the runs of a job", async () => {
    await sqlRun(
      "INSERT INTO job_leases (name, leased_until, runs, failures, items, last_run_at) VALUES ('sweep', 0, 3, 1, 42, 5000)",
    );
    const metrics = await readMetrics();
    expect(metrics.get('roster_job_runs_total{job="sweep"}')).toBe(3);
    expect(metrics.get('roster_job_failures_total{job="sweep"}')).toBe(1);
    expect(metrics.get('roster_job_items_total{job="sweep"}')).toBe(42);
    expect(metrics.get('roster_job_last_run_timestamp_seconds{job="sweep"}')).toBe(5);
  });

  it("reports whether the latest run of a job has finished", async () => {
    const now = Date.now();
    const insert = "INSERT INTO job_leases (name, leased_until) VALUES (?, ?)";
    await sqlRun(insert, "finished", 0);
    await sqlRun(insert, "running", now + 60_000);
    await sqlRun(insert, "stopped", now - 1);
    const metrics = await readMetrics();
    const unfinished = (name: string) => metrics.get(`roster_job_unfinished{job="${name}"}`);
    expect(["finished", "running", "stopped"].map(unfinished)).toEqual([0, 0, 1]);
  });

  it("requires metrics:read", async () => {
    const { token } = await createTestUser("moderator");
    expectProblem(await send("/metrics"), 401, "unauthenticated");
    expectProblem(await send("/metrics", { token }), 403, "forbidden");
  });
});
