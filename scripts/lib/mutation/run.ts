import { UsageError } from "../fail.ts";
import type { Mutant } from "./mutants.ts";
import { type Result, toResult } from "./results.ts";
import type { Target } from "./targets.ts";
import type { Verdict } from "./tests.ts";
import { createWorkplace, rankTests, type Workplace } from "./workplace.ts";

const SECOND = 1000;
/** How many files run first. */
const CLOSEST = 4;

interface Run {
  root: string;
  /** How many run at the same time. */
  parallel: number;
  /** Whether wider tests run if those nearby notice nothing. */
  isWide: boolean;
  /** Called with each result, as soon as there is one. */
  note: (result: Result) => void;
}

/**
 * Runs the tests against each mutant: those nearby and, if these pass, wider ones. Throws if tests that have failed also fail without a
 * change, because they said nothing then.
 */
export async function runMutants(mutants: readonly Mutant[], run: Run): Promise<void> {
  const waiting = [...mutants];
  const failing = new Set<string>();
  const work = async () => {
    const workplace = await createWorkplace(run.root);
    try {
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const result = await runMutant(workplace, mutant, run.isWide);
        const [file] = result.killed_by?.split(" > ") ?? [];
        if (file) failing.add(file);
        run.note(result);
      }
    } finally {
      await workplace.remove();
    }
  };
  await Promise.all(Array.from({ length: run.parallel }, work));
  await requirePassing(run.root, [...failing]);
}

async function requirePassing(root: string, files: readonly string[]): Promise<void> {
  if (files.length === 0) return;
  const workplace = await createWorkplace(root);
  try {
    const { outcome, failure } = await workplace.test(files);
    if (outcome === "passed") return;
    throw new UsageError(`tests fail without a change, too: ${failure ?? outcome}`);
  } finally {
    await workplace.remove();
  }
}

async function runMutant(workplace: Workplace, mutant: Mutant, isWide: boolean): Promise<Result> {
  const { file, source, target } = mutant;
  const start = Date.now();
  await workplace.write(file, source);
  try {
    const stages = stagesOf(workplace, file, target);
    let ran: Result["ran"] = "closest";
    let verdict: Verdict = { outcome: "passed" };
    for (const [name, filters] of isWide ? stages : stages.slice(0, -1)) {
      ran = name;
      verdict = await testTwice(workplace, filters);
      if (verdict.outcome !== "passed") break;
    }
    return toResult(mutant, {
      outcome: toOutcome(verdict),
      ran,
      seconds: Math.round((Date.now() - start) / SECOND),
      ...(verdict.failure !== undefined && { killed_by: verdict.failure }),
    });
  } finally {
    await workplace.restore(file);
  }
}

// Those that are most likely to notice come first, because a run ends with the first failure.
function stagesOf(workplace: Workplace, file: string, { near, wide }: Target) {
  const ranked = rankTests(file, workplace.listTests(near));
  return [
    ["closest", ranked.slice(0, CLOSEST)],
    ["near", ranked.slice(CLOSEST)],
    ["wide", workplace.listTests(wide)],
  ] as const;
}

// What may be the fault of a busy machine gets another chance.
async function testTwice(workplace: Workplace, filters: readonly string[]): Promise<Verdict> {
  if (filters.length === 0) return { outcome: "passed" };
  const verdict = await workplace.test(filters);
  return verdict.isDoubtful ? workplace.test(filters) : verdict;
}

function toOutcome({ outcome }: Verdict): Result["outcome"] {
  switch (outcome) {
    case "passed":
      return "survived";
    case "failed":
      return "killed";
    case "none":
      return "invalid";
    case "timeout":
      return "timeout";
  }
}
