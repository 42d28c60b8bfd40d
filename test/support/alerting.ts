import { stopClock } from "./clock.ts";
import { FIVE_MINUTES, MINUTELY, runCron } from "./cron.ts";
import { sqlRun } from "./fixtures.ts";
import { createReceiver } from "./webhook.ts";

const TABLES = [
  "alerts",
  "alert_notices",
  "measurements",
  "metric_counters",
  "job_leases",
  "mail_outbox",
];

export type Alerting = Awaited<ReturnType<typeof startAlerting>>;

/** Stops the clock, deletes what alerts are made of, and lets the first window pass: nothing can be said without a window before. */
export async function startAlerting() {
  const clock = stopClock();
  const receiver = createReceiver();
  for (const table of TABLES) await sqlRun(`DELETE FROM ${table}`);

  /** Lets five minutes pass, evaluates the alerts, and delivers the notices. Returns the alerts that were posted. */
  async function passFiveMinutes(bindings: Cloudflare.Env = receiver.bindings): Promise<string[]> {
    clock.pass(5 * 60_000);
    await runCron(FIVE_MINUTES, bindings);
    await runCron(MINUTELY, bindings);
    return receiver.take();
  }
  await passFiveMinutes();
  return { clock, receiver, passFiveMinutes };
}

/** Adds to a counter, as isolates do. */
export const addTo = (series: readonly string[], by: number) =>
  sqlRun(
    "INSERT INTO metric_counters VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
    JSON.stringify(series),
    by,
  );

/** Counts requests that were answered with a status. */
export const countAnswers = (status: number, by: number) =>
  addTo(["roster_http_requests_total", "/v1/users", "GET", String(status)], by);
