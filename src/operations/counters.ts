import { COUNTERS, type CounterName, DURATION_BOUNDS } from "../platform/metrics.ts";
import type { Metric } from "./exposition.ts";

const DURATION = "roster_http_request_duration_seconds";

/** The help texts of counters. Those of requests cover what happens until the response; what is done behind it is not included. */
const HELP: Readonly<Partial<Record<CounterName, string>>> = {
  roster_http_requests_total:
    "Requests by pattern of the route, method and status. Paths and methods that do not exist are `unknown`.",
  roster_logins_total: "Logins by result: `success`, or the error code.",
  roster_lockouts_total:
    "Lock-outs that began: of one network, of all networks that an account does not know, or of its second factor.",
  roster_rate_limited_total: "Requests that were refused by a rate limit.",
  roster_introspections_total: "Introspected sessions by what answered.",
  roster_mail_deliveries_total: "Attempts to send an email by result.",
  roster_d1_round_trips_total: "D1 round trips of requests. A batch is one.",
  roster_d1_rows_read_total: "Rows that requests read in D1.",
  roster_d1_rows_written_total: "Rows that requests wrote in D1, index entries included.",
  roster_kv_operations_total: "KV operations of requests.",
};

/** The value of every series, by counter. */
export type CounterValues = ReadonlyMap<
  string,
  readonly (readonly [labels: string[], value: number])[]
>;

/** Groups the rows of `metric_counters` by counter. */
export function groupCounters(rows: readonly { series: string; value: number }[]): CounterValues {
  const groups = new Map<string, [string[], number][]>();
  for (const { series, value } of rows) {
    const [name = "", ...labels] = JSON.parse(series) as string[];
    const group = groups.get(name);
    if (group) group.push([labels, value]);
    else groups.set(name, [[labels, value]]);
  }
  return groups;
}

/** The metrics of all counters. Those of an earlier or later version of the service are left out. */
export function describeCounters(values: CounterValues): Metric[] {
  const names = Object.keys(HELP) as (keyof typeof HELP)[];
  return [...names.map((name) => describeCounter(name, values)), describeDurations(values)];
}

function describeCounter(name: CounterName, values: CounterValues): Metric {
  const declaration: { labels: readonly string[]; values?: readonly string[] } = COUNTERS[name];
  const { labels, values: known = [] } = declaration;
  // Series that exist from the start, so that their first increase can be seen.
  const start = labels.length === 0 ? [[]] : known.map((value) => [value]);
  const totals = new Map(start.map((key) => [JSON.stringify(key), 0]));
  for (const [key, value] of values.get(name) ?? []) totals.set(JSON.stringify(key), value);
  const samples = [...totals].map(([key, value]) => {
    const texts = JSON.parse(key) as string[];
    return { labels: Object.fromEntries(labels.map((label, i) => [label, texts[i] ?? ""])), value };
  });
  return { name, type: "counter", help: HELP[name] ?? "", samples };
}

/** How many requests took how long, by route: for each bound of a bucket, the requests up to it. */
function sumBuckets(values: CounterValues): Map<string, number[]> {
  const routes = new Map<string, number[]>();
  const bounds: readonly string[] = DURATION_BOUNDS;
  for (const [[route = "", le = ""], value] of values.get(`${DURATION}_bucket`) ?? []) {
    const own = routes.get(route) ?? DURATION_BOUNDS.map(() => 0);
    const from = bounds.indexOf(le);
    routes.set(
      route,
      own.map((total, i) => (from >= 0 && i >= from ? total + value : total)),
    );
  }
  return routes;
}

/** How many requests there were, and how many of them took no longer than a bound of the histogram. */
export function sumDurations(
  values: CounterValues,
  bound: (typeof DURATION_BOUNDS)[number],
): { all: number; upTo: number } {
  const at = DURATION_BOUNDS.indexOf(bound);
  const routes = [...sumBuckets(values).values()];
  return {
    all: routes.reduce((sum, totals) => sum + (totals.at(-1) ?? 0), 0),
    upTo: routes.reduce((sum, totals) => sum + (totals[at] ?? 0), 0),
  };
}

function describeDurations(values: CounterValues): Metric {
  const sums = new Map(
    (values.get(`${DURATION}_sum`) ?? []).map(([[route = ""], value]) => [route, value]),
  );
  const samples = [...sumBuckets(values)].flatMap(([route, totals]) => [
    ...DURATION_BOUNDS.map((le, i) => ({
      suffix: "_bucket",
      labels: { route, le },
      value: totals[i] ?? 0,
    })),
    { suffix: "_sum", labels: { route }, value: sums.get(route) ?? 0 },
    { suffix: "_count", labels: { route }, value: totals.at(-1) ?? 0 },
  ]);
  const help = "Time until the response, by pattern of the route.";
  return { name: DURATION, type: "histogram", help, samples };
}
