import { UsageError } from "../fail.ts";
import type { Mutant } from "./mutants.ts";
import { type Result, toResult } from "./results.ts";
import { createWorkplace, type Verdict, type Workplace } from "./workplace.ts";

const SECOND = 1000;

interface Run {
  root: string;
  /** How many run at the same time. */
  parallel: number;
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
        const result = await runMutant(workplace, mutant);
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
  const { outcome, failure } = await workplace.test(files).finally(workplace.remove);
  if (outcome === "passed") return;
  throw new UsageError(`tests fail without a change, too: ${failure ?? outcome}`);
}

async function runMutant(workplace: Workplace, mutant: Mutant): Promise<Result> {
  const { file, source, target } = mutant;
  const start = Date.now();
  await workplace.write(file, source);
  try {
    const near = await testTwice(workplace, target.near);
    const isWide = near.outcome === "passed";
    const verdict = isWide ? await testTwice(workplace, target.wide) : near;
    return toResult(mutant, {
      outcome: toOutcome(verdict),
      ran: isWide ? "wide" : "near",
      seconds: Math.round((Date.now() - start) / SECOND),
      ...(verdict.failure !== undefined && { killed_by: verdict.failure }),
    });
  } finally {
    await workplace.restore(file);
  }
}

// A test that ran out of time on a busy machine gets another chance.
async function testTwice(workplace: Workplace, filters: readonly string[]): Promise<Verdict> {
  const verdict = await workplace.test(filters);
  return verdict.isLate ? workplace.test(filters) : verdict;
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
