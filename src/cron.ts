import { purgeDeletedUsers } from "./accounts/personal-data/erase.ts";
import { deleteExpiredLoginAttempts } from "./authentication/attempts/repository.ts";
import { deleteExpiredTokens } from "./authentication/one-time-tokens/repository.ts";
import { deleteExpiredSessions } from "./authentication/sessions/repository.ts";
import type { Context } from "./context.ts";
import { claimJob, releaseJob } from "./db/job-leases.ts";
import { DAY, MINUTE } from "./lib/time.ts";
import { deliverDueMail } from "./outbox/deliver.ts";
import { deleteOldMail } from "./outbox/repository.ts";
import { describeError } from "./platform/logger.ts";

/** What a job does at a time, and how often in one run; what is left then the next run goes on with. */
const ROWS_AT_A_TIME = 1000;
const USERS_AT_A_TIME = 25;
const MAILS_AT_A_TIME = 50;
const ROUNDS_A_RUN = 100;

/** How long an ended session, and a mail that was sent or given up, can still be looked up. */
const ENDED_SESSION_RETENTION_MS = 30 * DAY;
const MAIL_RETENTION_MS = 30 * DAY;

/** How long a nightly job may take before another run may begin it. */
const NIGHTLY_LEASE_MS = 10 * MINUTE;

interface Job {
  name: string;
  /** What is done at a time; fewer than this, and nothing is left. */
  size: number;
  rounds: number;
  /** How long it may take before another run may begin it. */
  leaseMs: number;
  run(ctx: Context, size: number): PromiseLike<readonly unknown[]>;
}

const EVERY_MINUTE: readonly Job[] = [
  // Each mail has a lease of its own.
  { name: "deliver_mail", size: MAILS_AT_A_TIME, rounds: 1, leaseMs: MINUTE, run: deliverDueMail },
];

const DAILY: readonly Job[] = [
  {
    name: "purge_deleted_users",
    size: USERS_AT_A_TIME,
    rounds: ROUNDS_A_RUN,
    leaseMs: NIGHTLY_LEASE_MS,
    run: purgeDeletedUsers,
  },
  {
    name: "delete_ended_sessions",
    size: ROWS_AT_A_TIME,
    rounds: ROUNDS_A_RUN,
    leaseMs: NIGHTLY_LEASE_MS,
    run: ({ db, now }, size) => deleteExpiredSessions(db, now() - ENDED_SESSION_RETENTION_MS, size),
  },
  {
    name: "delete_expired_tokens",
    size: ROWS_AT_A_TIME,
    rounds: ROUNDS_A_RUN,
    leaseMs: NIGHTLY_LEASE_MS,
    run: ({ db, now }, size) => deleteExpiredTokens(db, now(), size),
  },
  {
    name: "delete_expired_login_attempts",
    size: ROWS_AT_A_TIME,
    rounds: ROUNDS_A_RUN,
    leaseMs: NIGHTLY_LEASE_MS,
    run: ({ db, now }, size) => deleteExpiredLoginAttempts(db, now(), size),
  },
  {
    name: "delete_old_mail",
    size: ROWS_AT_A_TIME,
    rounds: ROUNDS_A_RUN,
    leaseMs: NIGHTLY_LEASE_MS,
    run: ({ db, now }, size) => deleteOldMail(db, now() - MAIL_RETENTION_MS, size),
  },
];

/** What runs when: the schedules of wrangler.toml. */
const JOBS: Readonly<Record<string, readonly Job[]>> = {
  "* * * * *": EVERY_MINUTE,
  "17 3 * * *": DAILY,
};

/**
 * Runs the jobs of a schedule, each with a context of the moment it begins. Each runs once at a time, whoever else begins it,
 * can be repeated without harm, and on its own: one that fails is logged and keeps no other from running.
 */
export async function runJobs(createContext: () => Context, schedule: string): Promise<void> {
  for (const job of JOBS[schedule] ?? []) await runJob(createContext(), job);
}

async function runJob(ctx: Context, job: Job): Promise<void> {
  const { name } = job;
  const at = { name, now: ctx.now(), leasedUntil: ctx.now() + job.leaseMs };
  try {
    const claimed = await claimJob(ctx.db, name, at.now, at.leasedUntil);
    if (claimed.length === 0) return;
    const items = await drain(ctx, job);
    ctx.log("info", "cron.job", { job: name, items });
    await releaseJob(ctx.db, at, { items, hasFailed: false });
  } catch (error) {
    ctx.log("error", "cron.job_failed", { job: name, ...describeError(error) });
    // Best effort: a lease that stays runs out by itself.
    const release = releaseJob(ctx.db, at, { items: 0, hasFailed: true });
    await release.then(undefined, () => undefined);
  }
}

async function drain(ctx: Context, { size, rounds, run }: Job): Promise<number> {
  let items = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { length } = await run(ctx, size);
    items += length;
    if (length < size) break;
  }
  return items;
}
