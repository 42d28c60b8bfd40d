import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { firstIdAt } from "../../src/lib/ids.ts";
import { send } from "../support/api.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";

const DAY = 86_400_000;

const sessionsOf = ({ id }: { id: string }) =>
  sqlAll<{ id: string }>("SELECT id FROM sessions WHERE user_id = ?", id);

describe("the hourly run", () => {
  it("deletes sessions that expired over 30 days ago and began over 60 days ago, and no younger or live session", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const user = await createTestUser();
    const now = Date.now();
    const insert = (began: number, expired: number) =>
      sqlRun(
        `INSERT INTO sessions (id, user_id, created_at, last_used_at, rotated_at, expires_at, ends_at)
        VALUES (?1, ?2, ?3, ?3, ?3, ?4, ?3)`,
        firstIdAt(began),
        user.id,
        began,
        expired,
      );
    await insert(now - 60 * DAY - 1, now - 30 * DAY - 1);
    await insert(now - 60 * DAY - 2, now - 30 * DAY);
    await insert(now - 60 * DAY, now - 53 * DAY);
    await runCron(HOURLY);
    const ids = (await sessionsOf(user)).map(({ id }) => id);
    expect(ids).toHaveLength(3);
    expect(ids).not.toContain(firstIdAt(now - 60 * DAY - 1));
    expect((await send("/v1/auth/me", { token: user.token })).status).toBe(200);
  });

  it("deletes expired login attempts, and keeps a current lock-out", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const fail = (username: string) =>
      send("/v1/auth/login", { body: { username, password: "wrong password" } });
    await fail("early-stranger");
    vi.setSystemTime(start + 10 * 60_000);
    for (let i = 0; i < 10; i += 1) await fail("late-stranger");
    vi.setSystemTime(start + 15 * 60_000 + 1);
    const expired = () => sqlAll("SELECT key FROM login_attempts WHERE expires_at < ?", Date.now());
    expect(await expired()).not.toEqual([]);
    await runCron(HOURLY);
    expect(await expired()).toEqual([]);
    expect((await fail("late-stranger")).status).toBe(429);
  });

  it("can run twice concurrently without a failure or deleting live rows", async () => {
    const { token } = await createTestUser();
    const logs = captureLogs();
    await Promise.all([runCron(HOURLY), runCron(HOURLY)]);
    expect(logs.of("cron.job_failed")).toEqual([]);
    expect((await send("/v1/auth/me", { token })).status).toBe(200);
  });

  it("logs each job, and a failed job does not stop the others", async () => {
    const healthy = captureLogs();
    await runCron(HOURLY);
    const jobs = healthy.of("cron.job").map(({ job }) => job);
    expect(jobs).toEqual([
      "purge_deleted_users",
      "compact_search",
      "delete_ended_sessions",
      "delete_expired_tokens",
      "delete_expired_factors",
      "delete_expired_spent_tokens",
      "delete_expired_exchange_codes",
      "delete_expired_email_logins",
      "delete_expired_login_attempts",
      "delete_expired_idempotency_keys",
      "delete_unattributed_events",
      "delete_old_mail",
      "delete_metric_writers",
      "count_audit_events",
      "roll_up_analytics",
      "forget_activity",
      "seal_audit_trail",
      "archive_audit_trail",
      "trim_audit_trail",
    ]);
    vi.restoreAllMocks();
    const logs = captureLogs();
    const failing = at(/^select "id" from "users" where \(users.deleted_at/);
    await runCron(HOURLY, faultyBindings({ d1: failing, d1Message: "secret detail" }));
    expect(logs.of("cron.job_failed")).toMatchObject([{ level: "error", job: jobs[0] }]);
    expect(logs.of("cron.job").map(({ job }) => job)).toEqual(jobs.slice(1));
    expect(logs.text()).not.toContain("secret detail");
  });

  it("does nothing and logs the setting if the configuration is invalid", async () => {
    const user = await createTestUser();
    const expire = "UPDATE sessions SET id = ?, expires_at = 1 WHERE user_id = ?";
    await sqlRun(expire, firstIdAt(1), user.id);
    const logs = captureLogs();
    await runCron(HOURLY, { ...env, MAC_KEYS: "nothing usable" });
    expect(logs.of("cron.misconfigured")).toMatchObject([
      { level: "error", faults: [{ setting: "MAC_KEYS", message: "is not valid JSON" }] },
    ]);
    expect(logs.text()).not.toContain("nothing usable");
    expect(await sessionsOf(user)).toHaveLength(1);
    await runCron(HOURLY);
    expect(await sessionsOf(user)).toEqual([]);
  });

  it("does nothing on an unknown schedule", async () => {
    const logs = captureLogs();
    await runCron("0 0 1 1 *");
    expect(logs.raw()).toEqual([]);
  });
});
