// npm run bench [-- --rounds N --users N --connections N --only NAME]: what each operation costs, over HTTP against workerd on this
// machine, without the proxy of local development. CPU time is that of the worker's process, and is meaningful only relative to the floor, which does
// the work that the operation cannot avoid and nothing else (floor.ts). Latencies include the load generator, which shares the
// machine. Rows and KV operations are exact.
import { readCommandLine, readCount } from "../scripts/lib/command-line.ts";
import { runLoad, type Task } from "./load.ts";
import { type Measurement, measure, summarize } from "./measure.ts";
import { createFloors, prepareScenarios, type Scenario } from "./scenarios.ts";
import { type BenchServer, startServer } from "./server.ts";

const MIXED = { perSecond: 1000, seconds: 10 };
const MIXED_CONNECTIONS = 32;

const TITLES = [
  "operation",
  "cpu ms",
  "floor ms",
  "ratio (quartiles)",
  "target",
  "req/s",
  "p50 ms",
  "p95 ms",
  "p99 ms",
  "rows read",
  "rows written",
  "KV reads",
  "KV writes",
];

const USAGE = `Usage:
  npm run bench [-- --rounds N] [--users N] [--connections N] [--only NAME]
Measures each operation against a worker of its own: CPU time, throughput, latencies, rows and KV operations.
--rounds N is 7 by default, --users N 100000, --connections N, how many requests are sent at once, 8.
--only NAME measures the operations whose name contains NAME.`;

const { values: options } = readCommandLine(USAGE, {
  options: {
    rounds: { type: "string", default: "7" },
    users: { type: "string", default: "100000" },
    connections: { type: "string", default: "8" },
    only: { type: "string", default: "" },
  },
});
const rounds = readCount(USAGE, "--rounds", options.rounds);
const connections = readCount(USAGE, "--connections", options.connections);

const server = await startServer({ users: readCount(USAGE, "--users", options.users) });
try {
  const scenarios = await prepareScenarios(server);
  const chosen = scenarios.filter(({ name }) => name.includes(options.only));
  if (chosen.length === 0) throw new Error(`no operation name contains ${options.only}`);
  console.log(`bundle: ${(server.gzipBytes / 1024).toFixed(0)} KB gzip`);
  console.log(TITLES.join(" | "));
  for (const scenario of chosen) console.log(await describe(server, scenario));
  if (!options.only) await showMixed(server, scenarios);
} finally {
  await server.close();
}

async function describe({ pid, ...server }: BenchServer, scenario: Scenario): Promise<string> {
  const { name, task, floor, target } = scenario;
  const result = await measure({ pid, rounds, connections }, task, floor);
  const ratio = result.floor?.ratio;
  const timedUrl = task.url === server.limitedUrl ? server.limitedUrl : server.timedUrl;
  // The first request of an isolate also reads what it keeps for a minute.
  await readCosts(task, timedUrl);
  const costs = await readCosts(task, timedUrl);
  return [
    name,
    result.cpuMs.toFixed(2),
    result.floor?.cpuMs.toFixed(2) ?? "",
    ratio ? `${ratio.median.toFixed(2)} (${ratio.lower.toFixed(2)}-${ratio.upper.toFixed(2)})` : "",
    target ? `${target}${ratio && ratio.median > target ? " missed" : ""}` : "",
    result.perSecond.toFixed(0),
    ...toLatencies(result),
    ...costs,
  ].join(" | ");
}

function toLatencies({ p50, p95, p99 }: Measurement): string[] {
  return [p50, p95, p99].map((ms) => ms.toFixed(1));
}

/** D1 rows and KV operations of one request, from its `Server-Timing` header. */
async function readCosts({ next, received }: Task, timedUrl: URL): Promise<string[]> {
  const { method, path, headers, body } = next();
  const response = await fetch(new URL(path, timedUrl), {
    method,
    headers: { ...headers, ...(body !== undefined && { "Content-Type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  received?.(text);
  const timing = response.headers.get("Server-Timing") ?? "";
  return ["rows_read", "rows_written", "reads", "writes"].map(
    (field) => new RegExp(`\\b${field}=(\\d+)`).exec(timing)?.[1] ?? "0",
  );
}

/** Latencies at 1,000 requests per second: reads of one's own account, of others, by key, a list of 10, and 304. */
async function showMixed({ pid, ...rest }: BenchServer, scenarios: Scenario[]): Promise<void> {
  const reads = scenarios.filter(({ name }) => /^GET .*(me|id\}|304|Key)/.test(name));
  const mixed = reads.map(({ task }) => task);
  const floor = createFloors(rest).pointRead;
  for (const [name, tasks] of [
    ["mixed reads", mixed],
    ["floor: point read", [floor]],
  ] as const) {
    const load = await runLoad(pid, tasks, MIXED_CONNECTIONS, MIXED);
    const { cpuMs, perSecond, ...latencies } = summarize([load]);
    const figures = toLatencies({ cpuMs, perSecond, ...latencies }).join(" / ");
    console.log(
      `${name} at ${MIXED.perSecond}/s asked, ${perSecond.toFixed(0)}/s served: p50 / p95 / p99 ${figures} ms`,
    );
  }
}
