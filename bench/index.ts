// npm run bench [-- --rounds N --only NAME]: measures the cost of each operation, over HTTP against workerd on this machine. CPU
// time is that of the worker process and is meaningful only relative to the floor, which does the same kind of D1 work and
// nothing else (floor.ts). Round trips, rows and KV operations are exact.
import { parseArgs } from "node:util";
import { type Measurement, measure } from "./measure.ts";
import { prepareScenarios, type Scenario } from "./scenarios.ts";
import { startServer } from "./server.ts";

const COLUMNS = [
  ["operation", 29],
  ["cpu ms", 7],
  ["floor ms", 8],
  ["ratio", 5],
  ["quartiles", 9],
  ["budget", 6],
  ["", 4],
  ["d1 trips", 8],
  ["rows read", 9],
  ["rows written", 12],
  ["kv", 2],
] as const;

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "10" }, only: { type: "string", default: "" } },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds must be a positive integer");

const server = await startServer();
try {
  const scenarios = choose(await prepareScenarios(server), options.only);
  console.log(toLine(COLUMNS.map(([title]) => title)));
  for (const scenario of scenarios) {
    console.log(describe(scenario, await run(scenario)));
  }
  console.log("\nCPU time per request and ratio are medians of the rounds.");
} finally {
  await server.close();
}

function choose(scenarios: Scenario[], text: string): Scenario[] {
  const chosen = scenarios.filter(({ name }) => name.includes(text));
  if (chosen.length > 0) return chosen;
  const names = scenarios.map(({ name }) => name).join("\n");
  throw new Error(`no operation name contains ${text}. Operations:\n${names}`);
}

function run({ run, concurrency = 1, floor }: Scenario): Promise<Measurement> {
  const base = floor && { run: floor.run, concurrency };
  return measure(server.pid, rounds, { run, concurrency }, base);
}

function describe(scenario: Scenario, { cpuMs, costs, floor }: Measurement): string {
  const budget = scenario.floor?.budget;
  const ratio = floor?.ratio;
  const isOver = budget !== undefined && ratio !== undefined && ratio.median > budget;
  return toLine([
    scenario.name,
    cpuMs.toFixed(2),
    floor?.cpuMs.toFixed(2) ?? "",
    ratio?.median.toFixed(2) ?? "",
    ratio ? `${ratio.lower.toFixed(2)}-${ratio.upper.toFixed(2)}` : "",
    budget?.toFixed(1) ?? "",
    isOver ? "over" : "",
    String(costs.trips),
    String(costs.rowsRead),
    String(costs.rowsWritten),
    String(costs.kv),
  ]);
}

function toLine(cells: readonly string[]): string {
  const padded = COLUMNS.map(([, width], index) => {
    const cell = cells[index] ?? "";
    return index === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
  return padded.join("  ").trimEnd();
}
