import { type Texts, useLocale, useTexts } from "../../texts/texts.ts";
import { Table } from "../../ui/table.tsx";
import { Time } from "../../ui/time.tsx";
import type { Reading } from "./data.ts";
import type { Metrics } from "./exposition.ts";

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

/** The scheduled jobs: when each has succeeded last, and how often it has failed. */
export function Jobs({ reading: { metrics, at } }: { reading: Reading }) {
  const { operations: texts } = useTexts();
  const { language } = useLocale();
  const format = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const now = at.getTime() / 1000;
  const jobs = metrics.list("roster_job_runs_total");
  const columns = [
    texts.job,
    texts.lastSuccess,
    texts.age,
    texts.runs,
    texts.failures,
    texts.state,
  ];
  return (
    <section class="section" aria-label={texts.jobs}>
      <h2>{texts.jobs}</h2>
      {jobs.length === 0 && <p class="hint">{texts.noJobs}</p>}
      {jobs.length > 0 && (
        <Table caption={texts.jobs} columns={columns}>
          {jobs.map(({ labels: { job_name = "" }, value: runs }) => {
            const job = { job_name };
            const succeededAt = metrics.sum("roster_job_last_success_timestamp_seconds", job);
            const time = succeededAt > 0 ? new Date(succeededAt * 1000).toISOString() : null;
            return (
              <tr key={job_name}>
                <th scope="row">
                  <code>{job_name}</code>
                </th>
                <td>
                  <Time at={time} />
                </td>
                <td>{time && toAge(now - succeededAt, format)}</td>
                <td>{runs}</td>
                <td>{metrics.sum("roster_job_failures_total", job)}</td>
                <td>{describeState(metrics, job, texts)}</td>
              </tr>
            );
          })}
        </Table>
      )}
    </section>
  );
}

function toAge(seconds: number, format: Intl.RelativeTimeFormat): string {
  const whole = Math.max(0, Math.round(seconds));
  const [unit, size] = UNITS.find(([, length]) => whole >= length) ?? UNITS[3];
  return format.format(-Math.floor(whole / size), unit);
}

function describeState(metrics: Metrics, job: { job_name: string }, texts: Texts["operations"]) {
  const ranAt = metrics.sum("roster_job_last_run_timestamp_seconds", job);
  const succeededAt = metrics.sum("roster_job_last_success_timestamp_seconds", job);
  if (ranAt > succeededAt) return <span class="bad">{texts.lastFailed}</span>;
  return metrics.sum("roster_job_unfinished", job) > 0 ? texts.unfinished : texts.fine;
}
