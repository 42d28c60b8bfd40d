import type { Context } from "../../context.ts";
import { listJobs } from "../../db/job-leases.ts";
import { findMeasurement, storeMeasurement } from "../../db/measurements.ts";
import { listCounters } from "../../db/metric-counters.ts";
import { newId } from "../../lib/ids.ts";
import { MINUTE } from "../../lib/time.ts";
import { LONGEST_RETRY_MS } from "../../outbox/deliver.ts";
import { countOutbox } from "../../outbox/repository.ts";
import { type CounterValues, groupCounters, sumDurations } from "../counters.ts";
import { logChange, toNotice } from "./notify.ts";
import { insertNotice, setAlert } from "./repository.ts";
import { type Finding, judgeJobs, judgeOutbox, judgeStore, judgeTraffic } from "./rules.ts";
import { isResponding } from "./stores.ts";

const NAME = "alert_window";

/** Windows of five minutes in a day. */
const WINDOWS_PER_DAY = 288;

/** A shorter window is continued by the next run. A longer one says nothing about five minutes. */
const MIN_WINDOW_MS = MINUTE;
const MAX_WINDOW_MS = 15 * MINUTE;

const SLOW_FROM = "0.5";
const LOGIN_FAILURES: readonly string[] = [
  "invalid_credentials",
  "invalid_code",
  "too_many_attempts",
];

/** The counters at the end of a window. */
interface Totals {
  requests: number;
  errors: number;
  slow: number;
  failedLogins: number;
}

interface History {
  /** The failed logins of each window of the preceding day, without those in which there were too many. */
  history: number[];
  /** The failed logins of each window since there are too many. After a day, they are the usual ones. */
  unusual: number[];
}

interface Window extends History {
  totals: Totals;
}

/**
 * Judges the last five minutes, and records and logs each alert whose state has changed. Notices of the changes are queued in the
 * same transaction, if there is a webhook. `limits` says how long each job may go without a success, in milliseconds.
 */
export async function evaluateAlerts(
  ctx: Context,
  limits: ReadonlyMap<string, number>,
): Promise<void> {
  const { d1, db, now } = ctx;
  const { counters, outbox, jobs, windows } = await d1.send({
    counters: listCounters(db),
    outbox: countOutbox(db, now() + LONGEST_RETRY_MS),
    jobs: listJobs(db),
    windows: findMeasurement<Window>(db, NAME),
  });
  const totals = sumTotals(groupCounters(counters));
  const [previous] = windows;
  const elapsedMs = now() - (previous?.measuredAt ?? Number.NEGATIVE_INFINITY);
  const { findings, ...history } = judgeWindow(totals, previous?.value, elapsedMs);
  findings.push(
    judgeOutbox(now() - (outbox[0]?.oldestAt ?? now())),
    judgeJobs(jobs, limits, now()),
    judgeStore("kv", await isResponding(() => ctx.kv.get("ready"))),
  );
  for (const finding of findings) await recordFinding(ctx, finding);
  if (elapsedMs < MIN_WINDOW_MS) return;
  // After the findings: a run that fails before is repeated with the same window.
  await d1.send({ stored: storeMeasurement(db, NAME, { totals, ...history }, now()) });
}

function sumTotals(values: CounterValues): Totals {
  const sum = (name: string, isCounted: (labels: readonly string[]) => boolean) =>
    (values.get(name) ?? [])
      .filter(([labels]) => isCounted(labels))
      .reduce((total, [, value]) => total + value, 0);
  const { all, upTo } = sumDurations(values, SLOW_FROM);
  return {
    requests: sum("roster_http_requests_total", () => true),
    errors: sum("roster_http_requests_total", ([, , status = ""]) => status >= "500"),
    slow: all - upTo,
    failedLogins: sum("roster_logins_total", ([result = ""]) => LOGIN_FAILURES.includes(result)),
  };
}

// Nothing can be said without a window before. Then the states of these alerts stay as they are.
function judgeWindow(
  totals: Totals,
  previous: Window | undefined,
  elapsedMs: number,
): { findings: Finding[] } & History {
  const { history = [], unusual = [] } = previous ?? {};
  if (!previous || elapsedMs < MIN_WINDOW_MS || elapsedMs > MAX_WINDOW_MS) {
    return { findings: [], history, unusual };
  }
  // Counters go back only if the database was restored.
  const grownBy = (name: keyof Totals) => Math.max(0, totals[name] - previous.totals[name]);
  const failedLogins = grownBy("failedLogins");
  const usual = history.reduce((sum, count) => sum + count, 0) / history.length;
  const findings = judgeTraffic({
    requests: grownBy("requests"),
    errors: grownBy("errors"),
    slow: grownBy("slow"),
    failedLogins,
    usualFailedLogins: history.length > 0 ? usual : undefined,
  });
  const isUsual = !findings.some(({ name, isFiring }) => name === "login_failures" && isFiring);
  return { findings, ...remember({ history, unusual }, failedLogins, isUsual) };
}

function remember({ history, unusual }: History, failedLogins: number, isUsual: boolean): History {
  if (isUsual) return { history: [...history, failedLogins].slice(-WINDOWS_PER_DAY), unusual: [] };
  const since = [...unusual, failedLogins];
  return since.length < WINDOWS_PER_DAY
    ? { history, unusual: since }
    : { history: since, unusual: [] };
}

async function recordFinding(ctx: Context, finding: Finding): Promise<void> {
  const { d1, db, now, config } = ctx;
  const { changed } = await d1.send({
    changed: setAlert(db, { ...finding, now: now() }),
    // Directly follows the change.
    queued:
      config.alertWebhook !== undefined &&
      insertNotice(db, toNotice(finding, { id: newId(), now: now() })),
  });
  if (changed.length > 0) logChange(ctx, finding);
}
