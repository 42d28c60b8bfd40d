import { cpus, loadavg } from "node:os";
import type { Finding, Results } from "./run.ts";

const percent = (part: number, whole: number) => `${Math.round((100 * part) / whole)} %`;

/** From how many requests on an operation must have succeeded. */
const ENOUGH = 100;

/** The operations that have had enough requests, of which none succeeded: the fuzzer does not reach what they do. */
export function findUnreached(tallies: Results["tallies"]): string[] {
  return [...tallies]
    .filter(([, { requests, successes }]) => requests >= ENOUGH && successes === 0)
    .map(([id, { requests }]) => `${id} has succeeded with none of ${requests} requests`);
}

/** A table of the operations: requests, the share of successes, and statuses. */
export function describeTallies(tallies: Results["tallies"]): string {
  const rows = [...tallies].map(([id, tally]) => {
    const statuses = [...tally.statuses].toSorted(([a], [b]) => a - b);
    const shown = statuses.map(([status, times]) => `${times} × ${status}`).join(", ");
    const share = percent(tally.successes, tally.requests);
    return `${id.padEnd(26)} ${String(tally.requests).padStart(6)} ${share.padStart(6)}  ${shown}`;
  });
  return ["operation                requests  2xx/3xx", ...rows.toSorted()].join("\n");
}

/** A finding, with the request that shows it. */
export function describeFinding(finding: Finding): string {
  const { operation, actor, faults, seed, curl, response, times, after } = finding;
  const where = `first after ${after} requests, ${times} times, seed ${seed}`;
  const title = `FAIL  ${operation} as ${actor} (${where}): ${faults.join("; ")}`;
  return `\n${title}\n${curl}\n${response}\n`;
}

/** What a run has found. */
export interface Outcome {
  results: Results;
  violations: readonly string[];
  seed: number;
  seconds: number;
}

const describeMachine = () =>
  `${cpus().length} cores, load average ${loadavg()[0]?.toFixed(1)} at the end, Node.js ${process.version}`;

/** What docs/results keeps of a run. */
export function toRecord({ results, violations, seed, seconds }: Outcome) {
  const tallies = [...results.tallies.values()];
  const statuses = new Map<number, number>();
  for (const [status, times] of tallies.flatMap((tally) => [...tally.statuses])) {
    statuses.set(status, (statuses.get(status) ?? 0) + times);
  }
  const findings = [...new Set(results.findings.values())].map(
    ({ operation, faults }) => `${operation}: ${faults.join("; ")}`,
  );
  return {
    date: new Date().toISOString(),
    seed,
    requests: tallies.reduce((sum, tally) => sum + tally.requests, 0),
    seconds: Math.round(seconds),
    conditions: describeMachine(),
    operations: tallies.length,
    operations_with_a_success: tallies.filter(({ successes }) => successes > 0).length,
    statuses: Object.fromEntries([...statuses].toSorted(([a], [b]) => a - b)),
    findings: [...findings, ...violations],
  };
}
