import { read } from "../access/read.ts";
import type { Context } from "../context.ts";
import { listJobs } from "../db/job-leases.ts";
import { countOutbox } from "../outbox/repository.ts";

interface Metric {
  name: string;
  type: "gauge" | "counter";
  help: string;
  samples: readonly { labels: Readonly<Record<string, string>>; value: number }[];
}

/** Metrics of the email outbox and the scheduled jobs in the Prometheus text format (version 0.0.4). */
export async function renderMetrics(ctx: Context): Promise<string> {
  const { db } = ctx;
  const { outbox, jobs } = await read(ctx, { outbox: countOutbox(db), jobs: listJobs(db) });
  const [mails] = outbox;
  const perJob = (value: (job: (typeof jobs)[number]) => number) =>
    jobs.map((job) => ({ labels: { job: job.name }, value: value(job) }));
  const metrics: Metric[] = [
    {
      name: "roster_mail_outbox",
      type: "gauge",
      help: "Emails waiting to be sent, and emails whose delivery was given up within the last 30 days.",
      samples: [
        { labels: { state: "pending" }, value: mails?.pending ?? 0 },
        { labels: { state: "failed" }, value: mails?.failed ?? 0 },
      ],
    },
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
      samples: perJob(({ leasedUntil }) => (leasedUntil > 0 && leasedUntil <= ctx.now() ? 1 : 0)),
    },
    {
      name: "roster_job_last_run_timestamp_seconds",
      type: "gauge",
      help: "Unix time at which the latest completed run of a scheduled job started.",
      samples: perJob(({ lastRunAt }) => (lastRunAt ?? 0) / 1000),
    },
  ];
  return metrics.map(renderMetric).join("");
}

function renderMetric({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${name}{${pairs.join(",")}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}
