import { purgeDeletedUsers } from "./accounts/personal-data/purge.ts";
import { compactSearch } from "./accounts/users/compact-search.ts";
import { countEvents } from "./analytics/count-events.ts";
import { forgetActivity } from "./analytics/forget-activity.ts";
import { rollUpDays } from "./analytics/roll-up.ts";
import { deleteOldUnattributed } from "./audit/repository.ts";
import { archiveNextDay } from "./audit/seals/archive.ts";
import { sealNextDay } from "./audit/seals/seal.ts";
import { trimTrail } from "./audit/seals/trim.ts";
import { cleanUpAttempts } from "./authentication/attempts/clean-up.ts";
import { deleteExpiredEmailLogins } from "./authentication/email-login/repository.ts";
import { deleteExpiredFactors } from "./authentication/factors/repository.ts";
import { deleteExpiredTokens } from "./authentication/one-time-tokens/repository.ts";
import { deleteExpiredCodes } from "./authentication/provider-login/repository.ts";
import { deleteExpiredSessions } from "./authentication/sessions/repository.ts";
import { deleteExpiredSpentTokens } from "./authentication/spent-tokens/repository.ts";
import type { Context } from "./context.ts";
import { claimJob, releaseJob } from "./db/job-leases.ts";
import { deleteOldWriters } from "./db/metric-counters.ts";
import type { Statement } from "./db/statement.ts";
import { deleteExpiredAnswers } from "./idempotency/repository.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./lib/time.ts";
import { evaluateAlerts } from "./operations/alerts/evaluate.ts";
import { deliverNotices, NOTICES_PER_RUN } from "./operations/alerts/notify.ts";
import { watchDatabase } from "./operations/alerts/stores.ts";
import { measurePopulation } from "./operations/population.ts";
import { deliverAllDueMail } from "./outbox/deliver.ts";
import { deleteOldMail } from "./outbox/repository.ts";
import { describeError } from "./platform/logger.ts";

/** How many items a job processes per round. A round is one transaction, which must be short: D1 does one thing at a time. */
const ROWS_PER_ROUND = 1000;
const USERS_PER_ROUND = 25;
const MAILS_PER_ROUND = 50;
const EVENTS_PER_ROUND = 5000;
const PLACES_PER_ROUND = 10_000;

/** A run of a job starts no further round after this time. The next run continues with the rest. */
const RUN_MS = 20 * SECOND;

/** How long a session is kept after it expired. */
const SESSION_RETENTION_MS = 30 * DAY;

/** When alerts are evaluated. */
const FIVE_MINUTES = "*/5 * * * *";

/** How long an hourly job may run before another run may start it. A round that began within RUN_MS ends long before that. */
const HOURLY_LEASE_MS = 10 * MINUTE;

interface Job {
  name: string;
  /** How many items a round processes. A round that processed fewer was the last one. */
  size: number;
  /** The maximum number of rounds per run. By default, only time limits a run. */
  rounds?: number;
  /** How long the job may run before another run may start it. */
  leaseMs: number;
  /** Runs a round, of which the first is 0, and returns the items that it processed. */
  run(ctx: Context, size: number, round: number): Promise<readonly unknown[]>;
}

const EVERY_MINUTE: readonly Job[] = [
  // Each mail is leased separately.
  {
    name: "deliver_mail",
    size: MAILS_PER_ROUND,
    rounds: 1,
    leaseMs: MINUTE,
    run: deliverAllDueMail,
  },
  {
    name: "deliver_alert_notices",
    size: NOTICES_PER_RUN,
    rounds: 1,
    leaseMs: MINUTE,
    run: deliverNotices,
  },
];

const EVERY_FIVE_MINUTES: readonly Job[] = [
  once("evaluate_alerts", (ctx) => evaluateAlerts(ctx, listJobLimits())),
  once("measure_population", measurePopulation),
];

const HOURLY: readonly Job[] = [
  {
    name: "purge_deleted_users",
    size: USERS_PER_ROUND,
    leaseMs: HOURLY_LEASE_MS,
    run: purgeDeletedUsers,
  },
  // After users were erased. An item is a part of the index.
  {
    name: "compact_search",
    size: 1,
    leaseMs: HOURLY_LEASE_MS,
    run: (ctx, _size, round) => compactSearch(ctx, { isFirst: round === 0 }),
  },
  cleanup("delete_ended_sessions", ({ db, now, config }, limit) => {
    const expiredBefore = now() - SESSION_RETENTION_MS;
    const beganBefore = expiredBefore - config.session.maxMs;
    return deleteExpiredSessions(db, { beganBefore, expiredBefore }, limit);
  }),
  cleanup("delete_expired_tokens", ({ db, now }, limit) => deleteExpiredTokens(db, now(), limit)),
  cleanup("delete_expired_factors", ({ db, now }, limit) => deleteExpiredFactors(db, now(), limit)),
  cleanup("delete_expired_spent_tokens", ({ db, now }, limit) =>
    deleteExpiredSpentTokens(db, now(), limit),
  ),
  cleanup("delete_expired_exchange_codes", ({ db, now }, limit) =>
    deleteExpiredCodes(db, now(), limit),
  ),
  cleanup("delete_expired_email_logins", ({ db, now }, limit) =>
    deleteExpiredEmailLogins(db, now(), limit),
  ),
  {
    name: "delete_expired_login_attempts",
    size: ROWS_PER_ROUND,
    leaseMs: HOURLY_LEASE_MS,
    run: cleanUpAttempts,
  },
  cleanup("delete_expired_idempotency_keys", ({ db, now }, limit) =>
    deleteExpiredAnswers(db, now(), limit),
  ),
  cleanup("delete_unattributed_events", ({ db, now, config }, limit) =>
    deleteOldUnattributed(db, now() - config.auditOriginMs, limit),
  ),
  cleanup("delete_old_mail", ({ db, now }, limit) => deleteOldMail(db, now(), limit)),
  cleanup("delete_metric_writers", ({ db, now }, limit) =>
    deleteOldWriters(db, now() - DAY, limit),
  ),
  // Before events are trimmed.
  {
    name: "count_audit_events",
    size: EVENTS_PER_ROUND,
    leaseMs: HOURLY_LEASE_MS,
    run: countEvents,
  },
  {
    name: "roll_up_analytics",
    size: ROWS_PER_ROUND,
    leaseMs: HOURLY_LEASE_MS,
    run: rollUpDays,
  },
  {
    name: "forget_activity",
    size: PLACES_PER_ROUND,
    leaseMs: HOURLY_LEASE_MS,
    run: forgetActivity,
  },
  // A round is a day.
  { name: "seal_audit_trail", size: 1, leaseMs: HOURLY_LEASE_MS, run: sealNextDay },
  { name: "archive_audit_trail", size: 1, leaseMs: HOURLY_LEASE_MS, run: archiveNextDay },
  // A round marks a day, or deletes events of a day that is marked: only a round that does neither is the last one.
  {
    name: "trim_audit_trail",
    size: 1,
    leaseMs: HOURLY_LEASE_MS,
    run: (ctx) => trimTrail(ctx, ROWS_PER_ROUND),
  },
];

/** A job that does all of its work in one round, every five minutes. It counts no items. */
function once(name: string, work: (ctx: Context) => Promise<void>): Job {
  return {
    name,
    size: 1,
    leaseMs: 5 * MINUTE,
    async run(ctx) {
      await work(ctx);
      return [];
    },
  };
}

/** An hourly job that deletes rows. The statement deletes up to `limit` rows and returns them. */
function cleanup(
  name: string,
  statement: (ctx: Context, limit: number) => Statement<unknown[]>,
): Job {
  return {
    name,
    size: ROWS_PER_ROUND,
    leaseMs: HOURLY_LEASE_MS,
    async run(ctx, size) {
      const { deleted } = await ctx.d1.send({ deleted: statement(ctx, size) });
      return deleted;
    },
  };
}

/** The jobs of each schedule in wrangler.toml. A new job is one more entry in EVERY_MINUTE, EVERY_FIVE_MINUTES or HOURLY. */
const JOBS: Readonly<Record<string, readonly Job[]>> = {
  "* * * * *": EVERY_MINUTE,
  [FIVE_MINUTES]: EVERY_FIVE_MINUTES,
  "17 * * * *": HOURLY,
};

/** How long the jobs of a schedule may go without a success before that is an alert. */
const LIMITS_MS: Readonly<Record<string, number>> = {
  "* * * * *": 10 * MINUTE,
  [FIVE_MINUTES]: 20 * MINUTE,
  "17 * * * *": 3 * HOUR,
};

function listJobLimits(): Map<string, number> {
  const limits = Object.entries(JOBS).flatMap(([schedule, jobs]) =>
    jobs.map(({ name }): [string, number] => [name, LIMITS_MS[schedule] ?? 0]),
  );
  return new Map(limits);
}

/**
 * Runs the jobs of a schedule one after another, each with a new context. A lease keeps concurrent runs from running the same
 * job, and every job can safely be repeated. A job that fails is logged and does not stop the others.
 */
export async function runJobs(createContext: () => Context, schedule: string): Promise<void> {
  // Not a job: without D1, nobody can hold a lease.
  if (schedule === FIVE_MINUTES) await watchDatabase(createContext());
  for (const job of JOBS[schedule] ?? []) await runJob(createContext(), job);
}

async function runJob(ctx: Context, job: Job): Promise<void> {
  const { db } = ctx;
  const { name } = job;
  const lease = { name, now: ctx.now(), leasedUntil: ctx.now() + job.leaseMs };
  const progress = { items: 0, hasFinished: false };
  const startedAt = Date.now();
  try {
    const { claimed } = await ctx.d1.send({ claimed: claimJob(db, lease) });
    if (claimed.length === 0) return;
    await drain(ctx, job, progress);
    ctx.log("info", "cron.job", {
      job: name,
      items: progress.items,
      finished: progress.hasFinished,
      duration_ms: Date.now() - startedAt,
    });
    await ctx.d1.send({ released: releaseJob(db, lease, { ...progress, hasFailed: false }) });
  } catch (error) {
    ctx.log("error", "cron.job_failed", { job: name, ...describeError(error) });
    // Best effort: a lease that is not released expires.
    const released = releaseJob(db, lease, { ...progress, hasFailed: true });
    await ctx.d1.send({ released }).then(undefined, () => undefined);
  }
}

/** How far a run has come. It has finished once nothing is left to process. */
interface Progress {
  items: number;
  hasFinished: boolean;
}

// Reads the clock itself, because the time of a context is constant.
async function drain(ctx: Context, { size, rounds, run }: Job, progress: Progress): Promise<void> {
  const startedAt = Date.now();
  for (let round = 0; round < (rounds ?? Number.POSITIVE_INFINITY); round += 1) {
    if (Date.now() - startedAt >= RUN_MS) return;
    const { length } = await run(ctx, size, round);
    progress.items += length;
    progress.hasFinished = length < size;
    if (progress.hasFinished) return;
  }
}
