import { UsageError } from "../fail.ts";
import type { Mutant } from "./mutants.ts";
import { type Result, toResult } from "./results.ts";
import type { Target } from "./targets.ts";
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
 * Runs the tests against each mutant: those nearby and, if these pass, wider ones. Throws if tests fail without a change, because they
 * would say nothing then.
 */
export async function runMutants(mutants: readonly Mutant[], run: Run): Promise<void> {
  const waiting = [...mutants];
  const checked = new Map<Target, Promise<void>>();
  const work = async () => {
    const workplace = await createWorkplace(run.root);
    try {
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const { target } = mutant;
        const baseline = checked.get(target) ?? requirePassing(workplace, target);
        checked.set(target, baseline);
        await baseline;
        run.note(await runMutant(workplace, mutant));
      }
    } finally {
      await workplace.remove();
    }
  };
  await Promise.all(Array.from({ length: run.parallel }, work));
}

async function requirePassing(workplace: Workplace, { name, near }: Target): Promise<void> {
  const { outcome, failure } = await workplace.test(near);
  if (outcome === "passed") return;
  throw new UsageError(`the tests of ${name} fail without a change: ${failure ?? outcome}`);
}

async function runMutant(workplace: Workplace, mutant: Mutant): Promise<Result> {
  const { file, source, target } = mutant;
  const start = Date.now();
  await workplace.write(file, source);
  try {
    const near = await workplace.test(target.near);
    const isWide = near.outcome === "passed";
    const verdict = isWide ? await workplace.test(target.wide) : near;
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
