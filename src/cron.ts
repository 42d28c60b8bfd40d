import { deleteExpiredLoginAttempts } from "./auth/repository.ts";
import type { Context } from "./context.ts";
import { DAY } from "./lib/time.ts";
import { describeError } from "./platform/logger.ts";
import { deleteExpiredSessions } from "./sessions/repository.ts";

/** Rows that one job deletes in one run; the next run goes on. */
const ROWS_A_RUN = 5000;

/** How long an ended session can still be looked up. */
const ENDED_SESSION_RETENTION_MS = 30 * DAY;

interface Job {
  name: string;
  run(ctx: Context): PromiseLike<readonly unknown[]>;
}

/** What runs when: schedules as wrangler.toml lists them. Each job may run twice, or at once with itself, without harm. */
const JOBS: Readonly<Record<string, readonly Job[]>> = {
  "17 3 * * *": [
    {
      name: "delete_expired_sessions",
      run: (ctx) =>
        deleteExpiredSessions(ctx.db, ctx.now() - ENDED_SESSION_RETENTION_MS, ROWS_A_RUN),
    },
    {
      name: "delete_expired_login_attempts",
      run: (ctx) => deleteExpiredLoginAttempts(ctx.db, ctx.now(), ROWS_A_RUN),
    },
  ],
};

/** Runs the jobs of a schedule, each on its own: one that fails is logged and keeps no other from running. */
export async function runJobs(ctx: Context, schedule: string): Promise<void> {
  for (const { name, run } of JOBS[schedule] ?? []) {
    try {
      const rows = await run(ctx);
      ctx.log("info", "cron.job", { job: name, rows: rows.length });
    } catch (error) {
      ctx.log("error", "cron.job_failed", { job: name, ...describeError(error) });
    }
  }
}
