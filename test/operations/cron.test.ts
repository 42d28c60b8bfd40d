import {
  createExecutionContext,
  createScheduledController,
  waitOnExecutionContext,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import worker from "../../src/index.ts";
import { send } from "../support/api.ts";
import { faultyBindings, nth } from "../support/faults.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { catchLogs } from "../support/logs.ts";

const DAY = 86_400_000;
const NIGHTLY = "17 3 * * *";

async function runCron(cron = NIGHTLY, bindings: Cloudflare.Env = env): Promise<void> {
  const context = createExecutionContext();
  await worker.scheduled(createScheduledController({ cron }), bindings, context);
  await waitOnExecutionContext(context);
}

const sessionsOf = ({ id }: { id: string }) =>
  sqlAll("SELECT id FROM sessions WHERE user_id = ?", id);

describe("the nightly run", () => {
  it("deletes sessions that expired 30 days ago, and none that is younger or live", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const [old, recent, live] = [
      await createTestUser(),
      await createTestUser(),
      await createTestUser(),
    ];
    const now = Date.now();
    const expire = (id: string, at: number) =>
      sqlRun("UPDATE sessions SET expires_at = ? WHERE user_id = ?", at, id);
    await expire(old.id, now - 30 * DAY - 1);
    await expire(recent.id, now - 30 * DAY);
    await runCron();
    expect(await sessionsOf(old)).toHaveLength(0);
    expect(await sessionsOf(recent)).toHaveLength(1);
    expect((await send("/v1/auth/me", { token: live.token })).status).toBe(200);
  });

  it("deletes login attempts that have run out, and keeps a lock that has not", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const fail = (username: string) =>
      send("/v1/auth/login", { body: { username, password: "wrong password" } });
    await fail("early-stranger");
    vi.setSystemTime(start + 10 * 60_000);
    for (let i = 0; i < 10; i += 1) await fail("late-stranger");
    vi.setSystemTime(start + 15 * 60_000 + 1);
    const before = await sqlAll("SELECT key FROM login_attempts");
    await runCron();
    expect((await sqlAll("SELECT key FROM login_attempts")).length).toBe(before.length - 1);
    expect((await fail("late-stranger")).status).toBe(429);
  });

  it("may run twice at once: nothing breaks and nothing live goes", async () => {
    const { token } = await createTestUser();
    const logs = catchLogs();
    await Promise.all([runCron(), runCron()]);
    expect(logs.of("cron.job_failed")).toEqual([]);
    expect((await send("/v1/auth/me", { token })).status).toBe(200);
  });

  it("logs each job, and one that fails keeps no other from running", async () => {
    const healthy = catchLogs();
    await runCron();
    const jobs = healthy.of("cron.job").map(({ job }) => job);
    expect(jobs.length).toBeGreaterThanOrEqual(2);
    vi.restoreAllMocks();
    const logs = catchLogs();
    await runCron(NIGHTLY, faultyBindings({ d1: nth(1), d1Message: "secret detail" }));
    expect(logs.of("cron.job_failed")).toMatchObject([{ level: "error", job: jobs[0] }]);
    expect(logs.of("cron.job").map(({ job }) => job)).toEqual(jobs.slice(1));
    expect(logs.text()).not.toContain("secret detail");
  });

  it("does nothing and names the setting when the configuration is not sound", async () => {
    const user = await createTestUser();
    await sqlRun("UPDATE sessions SET expires_at = 1 WHERE user_id = ?", user.id);
    const logs = catchLogs();
    await runCron(NIGHTLY, { ...env, MAC_KEYS: "nothing usable" });
    expect(logs.of("cron.misconfigured")).toMatchObject([
      { level: "error", settings: ["MAC_KEYS"] },
    ]);
    expect(logs.text()).not.toContain("nothing usable");
    expect(await sessionsOf(user)).toHaveLength(1);
  });

  it("on a schedule that is not ours does nothing", async () => {
    const logs = catchLogs();
    await runCron("0 0 1 1 *");
    expect(logs.raw()).toEqual([]);
  });
});
