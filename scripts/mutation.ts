// npm run mutation [-- --folder TEXT] [--sample N] [--parallel N] [--survivors] [--list]: weakens the security-critical sources in one
// place at a time and runs the tests, which must fail. Works on copies of the project. Writes docs/results/mutation.json, which keeps
// the results of mutants that do not run this time, as long as they exist.
//   --folder     only the folders whose name contains the text (scripts/lib/mutation/targets.ts)
//   --sample     how many mutants per folder, 15 by default; the order is the same in every run
//   --near       runs no wider tests if those nearby notice nothing
//   --resume     only those that have no result yet
//   --survivors  only those that survived the last time
//   --list       shows the mutants and runs nothing
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readCommandLine, readCount } from "./lib/command-line.ts";
import { main, UsageError } from "./lib/fail.ts";
import { interleave, listMutants, type Mutant } from "./lib/mutation/mutants.ts";
import { type Result, type Results, summarize } from "./lib/mutation/results.ts";
import { runMutants } from "./lib/mutation/run.ts";
import { TARGETS } from "./lib/mutation/targets.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FILE = new URL("../docs/results/mutation.json", import.meta.url);

const USAGE = `Usage:
  npm run mutation [-- --folder TEXT] [--sample N] [--parallel N] [--near] [--resume] [--survivors] [--list]
Weakens the security-critical sources in one place at a time and runs the tests, which must fail. Writes docs/results/mutation.json.
--folder TEXT takes only the folders whose name contains the text.
--sample N takes up to N mutants per folder, 15 by default.
--parallel N runs N tests at once, 2 by default.
--near runs no wider tests if those nearby notice nothing.
--resume takes only mutants that have no result yet.
--survivors takes only those that survived the last time.
--list shows the mutants and runs nothing.`;

const { values: options } = readCommandLine(USAGE, {
  options: {
    folder: { type: "string", default: "" },
    sample: { type: "string", default: "15" },
    parallel: { type: "string", default: "2" },
    near: { type: "boolean", default: false },
    resume: { type: "boolean", default: false },
    survivors: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
  },
});

// Without this, an interrupted run leaves the tests running.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

await main(async () => {
  const byTarget = TARGETS.map((target) => listMutants(ROOT, target));
  const all = byTarget.flat();
  const results = readResults();
  const chosen = choose(byTarget, results);
  if (options.list) return chosen.forEach(show);
  await runMutants(chosen, {
    root: ROOT,
    parallel: readCount(USAGE, "--parallel", options.parallel),
    isWide: !options.near,
    note(result) {
      results.push(result);
      report(result);
      writeFileSync(FILE, `${JSON.stringify(summarize(all, results), null, 2)}\n`);
    },
  });
  const { score, total } = summarize(all, results);
  console.log(`${total.killed} killed, ${total.survived} survived: ${(score * 100).toFixed(1)} %`);
});

function choose(byTarget: readonly Mutant[][], results: readonly Result[]): Mutant[] {
  const sample = readCount(USAGE, "--sample", options.sample);
  const named = byTarget.filter(([first]) => first?.target.name.includes(options.folder));
  if (named.length === 0) throw new UsageError(`no folder contains ${options.folder}`);
  const survived = results.filter(({ outcome }) => outcome === "survived");
  if (options.survivors) return selectById(named.flat(), survived);
  const sampled = interleave(named.map((mutants) => mutants.slice(0, sample)));
  const known = new Set(results.map(({ id }) => id));
  return options.resume ? sampled.filter(({ id }) => !known.has(id)) : sampled;
}

function selectById(mutants: readonly Mutant[], results: readonly Result[]): Mutant[] {
  const ids = new Set(results.map(({ id }) => id));
  return mutants.filter(({ id }) => ids.has(id));
}

function readResults(): Result[] {
  try {
    return (JSON.parse(readFileSync(FILE, "utf8")) as Results).mutants;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function show({ id, file, line, operator, original, replacement }: Mutant): void {
  console.log(
    `${id}  ${file}:${line}  ${operator}\n  - ${oneLine(original)}\n  + ${oneLine(replacement)}`,
  );
}

function report({ id, file, line, operator, outcome, killed_by, seconds }: Result): void {
  const by = killed_by ? ` by ${killed_by}` : "";
  console.log(`${outcome.padEnd(8)} ${seconds} s  ${id} ${file}:${line} ${operator}${by}`);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").slice(0, 160);
}
