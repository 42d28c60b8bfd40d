import { MINUTE } from "../../lib/time.ts";

/** What the service did in the last five minutes. */
export interface Traffic {
  requests: number;
  /** Requests that were answered with a status of 500 or above. */
  errors: number;
  /** Requests that took more than half a second. */
  slow: number;
  failedLogins: number;
  /** The average of failed logins in five minutes of the preceding day; undefined before there is any. */
  usualFailedLogins: number | undefined;
}

/** Whether an alert fires, and the figures that were compared. */
export interface Finding {
  name: string;
  isFiring: boolean;
  /** What happened, in one sentence, without personal data. */
  summary: string;
  value: number;
  threshold: number;
}

const ERROR_RATE = 0.01;
/** A single failed request is no alert. */
const MIN_ERRORS = 2;
const SLOW_RATE = 0.05;
/** So few requests say nothing about the 95th percentile. */
const MIN_REQUESTS = 20;
const MAIL_AGE_MS = 10 * MINUTE;
const LOGIN_FACTOR = 10;
/** What counts as usual at least, so that a few failures in a quiet service raise no alert. */
const MIN_USUAL_LOGINS = 2;

/** Compares the traffic with the thresholds. */
export function judgeTraffic(traffic: Traffic): Finding[] {
  const { requests, errors, slow, failedLogins, usualFailedLogins = 0 } = traffic;
  const errorRate = requests > 0 ? errors / requests : 0;
  const slowRate = requests > 0 ? slow / requests : 0;
  const tooManyLogins = LOGIN_FACTOR * Math.max(usualFailedLogins, MIN_USUAL_LOGINS);
  return [
    {
      name: "error_rate",
      isFiring: errors >= MIN_ERRORS && errorRate > ERROR_RATE,
      summary: `${errors} of ${requests} requests in five minutes were answered with a status of 500 or above.`,
      value: errorRate,
      threshold: ERROR_RATE,
    },
    {
      // More than 5 % above half a second is the same as a 95th percentile above it.
      name: "slow_requests",
      isFiring: requests >= MIN_REQUESTS && slowRate > SLOW_RATE,
      summary: `${slow} of ${requests} requests in five minutes took more than 500 ms.`,
      value: slowRate,
      threshold: SLOW_RATE,
    },
    {
      name: "login_failures",
      isFiring: failedLogins > tooManyLogins,
      summary: `${failedLogins} logins failed in five minutes. Usual are ${usualFailedLogins.toFixed(1)}.`,
      value: failedLogins,
      threshold: tooManyLogins,
    },
  ];
}

/** Compares the age of the oldest email that waits with the threshold. */
export function judgeOutbox(oldestMs: number): Finding {
  const minutes = Math.floor(oldestMs / MINUTE);
  return {
    name: "mail_outbox_old",
    isFiring: oldestMs > MAIL_AGE_MS,
    summary: `The oldest email in the outbox has waited for ${minutes} minutes.`,
    value: minutes,
    threshold: MAIL_AGE_MS / MINUTE,
  };
}

interface JobRow {
  name: string;
  lastSuccessAt: number | null;
  createdAt: number | null;
}

/**
 * Finds jobs without a success within their limit, in milliseconds. A job that has never been claimed is new: there is no row to
 * compare.
 */
export function judgeJobs(
  jobs: readonly JobRow[],
  limits: ReadonlyMap<string, number>,
  now: number,
): Finding {
  const overdue = jobs.filter(({ name, lastSuccessAt, createdAt }) => {
    const limitMs = limits.get(name) ?? Number.POSITIVE_INFINITY;
    return now - (lastSuccessAt ?? createdAt ?? now) > limitMs;
  });
  const names = overdue.map(({ name }) => name).join(", ");
  return {
    name: "job_overdue",
    isFiring: overdue.length > 0,
    summary: names
      ? `Without a success for too long: ${names}.`
      : "All jobs have succeeded in time.",
    value: overdue.length,
    threshold: 0,
  };
}

/** An alert for a store that does not respond. */
export function judgeStore(store: "d1" | "kv", isResponding: boolean): Finding {
  const name = store === "d1" ? "D1" : "KV";
  return {
    name: `${store}_unready`,
    isFiring: !isResponding,
    summary: isResponding
      ? `${name} responds again.`
      : `${name} did not respond to three attempts.`,
    value: isResponding ? 0 : 1,
    threshold: 0,
  };
}
