import type { Context } from "../context.ts";
import { listJobs } from "../db/job-leases.ts";
import { countOutbox } from "../outbox/repository.ts";

interface Metric {
  name: string;
  type: "gauge" | "counter";
  help: string;
  samples: readonly { labels: Readonly<Record<string, string>>; value: number }[];
}

/** What the database knows of the service's work, in the Prometheus text format (version 0.0.4). */
export async function renderMetrics(ctx: Context): Promise<string> {
  const [[outbox], jobs] = await ctx.db.batch([countOutbox(ctx.db), listJobs(ctx.db)]);
  const perJob = (value: (job: (typeof jobs)[number]) => number) =>
    jobs.map((job) => ({ labels: { job: job.name }, value: value(job) }));
  const metrics: Metric[] = [
    {
      name: "roster_mail_outbox",
      type: "gauge",
      help: "Mails that wait, and mails of the last 30 days that were given up.",
      samples: [
        { labels: { state: "pending" }, value: outbox?.pending ?? 0 },
        { labels: { state: "failed" }, value: outbox?.failed ?? 0 },
      ],
    },
    {
      name: "roster_job_runs_total",
      type: "counter",
      help: "Runs of a scheduled job.",
      samples: perJob(({ runs }) => runs),
    },
    {
      name: "roster_job_failures_total",
      type: "counter",
      help: "Runs of a scheduled job that failed.",
      samples: perJob(({ failures }) => failures),
    },
    {
      name: "roster_job_items_total",
      type: "counter",
      help: "What a scheduled job has dealt with: mails sent, rows deleted, users erased.",
      samples: perJob(({ items }) => items),
    },
    {
      name: "roster_job_last_run_timestamp_seconds",
      type: "gauge",
      help: "When a scheduled job last ended.",
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
