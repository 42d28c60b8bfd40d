import type { Memory } from "./memory.ts";
import type { Traffic } from "./service.ts";
import type { Progress } from "./traffic.ts";

/** By how much the isolates may hold more at the end than after half of the time. */
const MAX_GROWTH = 1.2;
/** The memory of a short run says nothing. */
const MIN_SECONDS = 240;
const SHOWN_VIOLATIONS = 50;

interface Conditions {
  seconds: number;
  /** Operations per second, of which each sends several requests. */
  rate: number;
  isolates: number;
  cores: number;
}

interface Outcome extends Progress {
  traffic: Traffic;
  memory: Memory;
  checks: Record<string, string>;
  /** Runs of scheduled jobs. */
  jobs: number;
}

/** What a run has done and found, as it is recorded. */
export function summarize(conditions: Conditions, outcome: Outcome) {
  const { traffic, memory, checks, jobs, operations } = outcome;
  const [, half = 0, , end = 0] = memory.live;
  const violations = [...outcome.violations];
  if (conditions.seconds >= MIN_SECONDS && end > half * MAX_GROWTH) {
    violations.push(`memory: ${half} MiB after half of the time, ${end} MiB at the end`);
  }
  const durations = traffic.durations.toSorted((a, b) => a - b);
  const quantile = (share: number) =>
    Math.round(durations[Math.floor(durations.length * share)] ?? 0);
  return {
    date: new Date().toISOString(),
    ...conditions,
    requests: traffic.requests,
    requests_per_second: Math.round(traffic.requests / conditions.seconds),
    job_runs: jobs,
    milliseconds: { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) },
    statuses: Object.fromEntries([...traffic.statuses].toSorted(([a], [b]) => a - b)),
    operations: Object.fromEntries([...operations].toSorted(([, a], [, b]) => b - a)),
    live_mib_by_quarter: memory.live,
    resident_mib_by_quarter: memory.resident,
    checks,
    violations: violations.slice(0, SHOWN_VIOLATIONS),
  };
}
