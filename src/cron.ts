import { deleteExpiredLoginAttempts } from "./auth/repository.ts";
import type { Context } from "./context.ts";
import { claimJob, releaseJob } from "./db/job-leases.ts";
import { DAY, MINUTE } from "./lib/time.ts";
import { deleteOldMail } from "./mail/repository.ts";
import { deliverDueMail } from "./mail/service.ts";
import { deleteExpiredTokens } from "./one-time-tokens/repository.ts";
import { describeError } from "./platform/logger.ts";
import { deleteExpiredSessions } from "./sessions/repository.ts";
import { purgeDeletedUsers } from "./users/erase.ts";

/** What one run of a job does at the most; the next run goes on. */
const ROWS_A_RUN = 5000;
const USERS_A_RUN = 200;
const MAILS_A_RUN = 50;

/** How long an ended session, and a mail that was sent or given up, can still be looked up. */
const ENDED_SESSION_RETENTION_MS = 30 * DAY;
const MAIL_RETENTION_MS = 30 * DAY;

/** How long a job may take before another run may begin it. */
const LEASE_MS = 10 * MINUTE;

interface Job {
  name: string;
  run(ctx: Context): PromiseLike<readonly unknown[]>;
}

const EVERY_MINUTE: readonly Job[] = [
  { name: "deliver_mail", run: (ctx) => deliverDueMail(ctx, MAILS_A_RUN) },
];

const DAILY: readonly Job[] = [
  { name: "purge_deleted_users", run: (ctx) => purgeDeletedUsers(ctx, USERS_A_RUN) },
  {
    name: "delete_ended_sessions",
    run: (ctx) => deleteExpiredSessions(ctx.db, ctx.now() - ENDED_SESSION_RETENTION_MS, ROWS_A_RUN),
  },
  {
    name: "delete_expired_tokens",
    run: (ctx) => deleteExpiredTokens(ctx.db, ctx.now(), ROWS_A_RUN),
  },
  {
    name: "delete_expired_login_attempts",
    run: (ctx) => deleteExpiredLoginAttempts(ctx.db, ctx.now(), ROWS_A_RUN),
  },
  {
    name: "delete_old_mail",
    run: (ctx) => deleteOldMail(ctx.db, ctx.now() - MAIL_RETENTION_MS, ROWS_A_RUN),
  },
];

/** What runs when: the schedules of wrangler.toml. */
const JOBS: Readonly<Record<string, readonly Job[]>> = {
  "* * * * *": EVERY_MINUTE,
  "17 3 * * *": DAILY,
};

/**
 * Runs the jobs of a schedule. Each runs once at a time, whoever else begins it, can be repeated without harm, and on its own:
 * one that fails is logged and keeps no other from running.
 */
export async function runJobs(ctx: Context, schedule: string): Promise<void> {
  for (const job of JOBS[schedule] ?? []) await runJob(ctx, job);
}

async function runJob(ctx: Context, { name, run }: Job): Promise<void> {
  const at = { name, now: ctx.now(), leasedUntil: ctx.now() + LEASE_MS };
  try {
    const claimed = await claimJob(ctx.db, name, at.now, at.leasedUntil);
    if (claimed.length === 0) return;
    const items = (await run(ctx)).length;
    ctx.log("info", "cron.job", { job: name, items });
    await releaseJob(ctx.db, at, { items, hasFailed: false });
  } catch (error) {
    ctx.log("error", "cron.job_failed", { job: name, ...describeError(error) });
    // Best effort: a lease that stays runs out by itself.
    const release = releaseJob(ctx.db, at, { items: 0, hasFailed: true });
    await release.then(undefined, () => undefined);
  }
}
