import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import { listJobs } from "../db/job-leases.ts";
import { listCounters } from "../db/metric-counters.ts";
import { SECOND } from "../lib/time.ts";
import { LONGEST_RETRY_MS } from "../outbox/deliver.ts";
import { countOutbox } from "../outbox/repository.ts";
import { listAlerts } from "./alerts/repository.ts";
import { describeCounters, groupCounters } from "./counters.ts";
import { type Metric, renderExposition } from "./exposition.ts";
import { findPopulation, type Population } from "./population.ts";

/**
 * Metrics in the Prometheus text format (version 0.0.4). Counters are those of all isolates, which may not have added their counts of
 * the last 30 seconds. Writes nothing, because whoever is refused would write, too.
 */
export async function renderMetrics(ctx: Context): Promise<string> {
  const { db } = ctx;
  const { counters, outbox, jobs, populations, alerts } = await read(ctx, {
    counters: listCounters(db),
    outbox: countOutbox(db, ctx.now() + LONGEST_RETRY_MS),
    jobs: listJobs(db),
    populations: findPopulation(db),
    alerts: listAlerts(db),
  });
  return renderExposition([
    ...describeCounters(groupCounters(counters)),
    ...describeOutbox(outbox[0], ctx.now()),
    ...describeJobs(jobs, ctx.now()),
    ...describePopulation(populations[0]),
    describeAlerts(alerts),
  ]);
}

type Outbox = Awaited<ReturnType<typeof countOutbox>>[number] | undefined;

function describeOutbox(outbox: Outbox, now: number): Metric[] {
  const oldestAt = outbox?.oldestAt ?? now;
  return [
    {
      name: "roster_mail_outbox",
      type: "gauge",
      help: "Emails waiting to be sent, and emails whose delivery was given up within the last 30 days.",
      samples: [
        { labels: { state: "pending" }, value: outbox?.pending ?? 0 },
        { labels: { state: "failed" }, value: outbox?.failed ?? 0 },
      ],
    },
    {
      name: "roster_mail_outbox_oldest_age_seconds",
      type: "gauge",
      help: "Age of the oldest email that is waiting to be sent; 0 if none is.",
      samples: [{ labels: {}, value: Math.max(0, now - oldestAt) / SECOND }],
    },
  ];
}

function describeJobs(jobs: Awaited<ReturnType<typeof listJobs>>, now: number): Metric[] {
  const perJob = (value: (job: (typeof jobs)[number]) => number) =>
    jobs.map((job) => ({ labels: { job_name: job.name }, value: value(job) }));
  return [
    {
      name: "roster_job_runs_total",
      type: "counter",
      help: "Completed runs of a scheduled job, including failed ones.",
      samples: perJob(({ runs }) => runs),
    },
    {
      name: "roster_job_failures_total",
      type: "counter",
      help: "Failed runs of a scheduled job.",
      samples: perJob(({ failures }) => failures),
    },
    {
      name: "roster_job_items_total",
      type: "counter",
      help: "Items that a scheduled job has processed: emails sent, rows deleted or users erased.",
      samples: perJob(({ items }) => items),
    },
    {
      name: "roster_job_unfinished",
      type: "gauge",
      help: "1 if the latest run of a scheduled job stopped before everything was processed; the next run continues.",
      samples: perJob(({ leasedUntil }) => (leasedUntil > 0 && leasedUntil <= now ? 1 : 0)),
    },
    {
      name: "roster_job_last_run_timestamp_seconds",
      type: "gauge",
      help: "Unix time at which the latest completed run of a scheduled job started.",
      samples: perJob(({ lastRunAt }) => (lastRunAt ?? 0) / SECOND),
    },
    {
      name: "roster_job_last_success_timestamp_seconds",
      type: "gauge",
      help: "Unix time at which the latest run of a scheduled job that did not fail started; 0 before the first.",
      samples: perJob(({ lastSuccessAt }) => (lastSuccessAt ?? 0) / SECOND),
    },
  ];
}

function describeAlerts(alerts: Awaited<ReturnType<typeof listAlerts>>): Metric {
  return {
    name: "roster_alert_firing",
    type: "gauge",
    help: "1 while an alert that the service evaluates itself fires. An alert that has never fired has no sample.",
    samples: alerts.map(({ name, isFiring }) => ({
      labels: { alert: name },
      value: isFiring ? 1 : 0,
    })),
  };
}

// Without samples until the job has run for the first time.
function describePopulation(
  measured: { value: Population; measuredAt: number } | undefined,
): Metric[] {
  return [
    {
      name: "roster_users",
      type: "gauge",
      help: "Users by status and role. Counted every five minutes.",
      samples: (measured?.value.users ?? []).map(({ status, role, count }) => ({
        labels: { status, role },
        value: count,
      })),
    },
    {
      name: "roster_sessions_live",
      type: "gauge",
      help: "Sessions that have neither ended nor expired. Counted every five minutes.",
      samples: measured ? [{ labels: {}, value: measured.value.liveSessions }] : [],
    },
    {
      name: "roster_population_timestamp_seconds",
      type: "gauge",
      help: "Unix time at which users and live sessions were counted.",
      samples: measured ? [{ labels: {}, value: measured.measuredAt / SECOND }] : [],
    },
  ];
}
