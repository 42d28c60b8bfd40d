import { OPERATORS, type Operator } from "./edits.ts";
import type { Mutant } from "./mutants.ts";
import { SURVIVORS } from "./survivors.ts";
import { TARGETS } from "./targets.ts";

/** What became of a mutant: the tests failed, or did not end, or passed; or no test could start, which says nothing. */
type Outcome = "killed" | "timeout" | "survived" | "invalid";

/** A mutant that ran, as it is recorded. */
export interface Result {
  id: string;
  folder: string;
  file: string;
  line: number;
  operator: Operator;
  original: string;
  replacement: string;
  outcome: Outcome;
  /** The first test that failed. */
  killed_by?: string;
  /** The last tests that ran: those closest to the source, all nearby, or wider ones. */
  ran: "closest" | "near" | "wide";
  seconds: number;
  date: string;
  /** Why no test can notice it. */
  why?: string;
}

interface Count {
  /** How many mutants there are. */
  possible: number;
  run: number;
  killed: number;
  survived: number;
  invalid: number;
  seconds: number;
}

export interface Results {
  /** Killed mutants per mutant that ran, without invalid ones. */
  score: number;
  total: Count;
  folders: Record<string, Count>;
  operators: Readonly<Record<string, string>>;
  mutants: Result[];
}

const SHOWN = 200;

/** The record of a mutant that ran. */
export function toResult(
  { id, target, file, line, operator, original, replacement }: Mutant,
  ran: Pick<Result, "outcome" | "ran" | "seconds" | "killed_by">,
): Result {
  const texts = { original: original.slice(0, SHOWN), replacement: replacement.slice(0, SHOWN) };
  const date = new Date().toISOString().slice(0, 10);
  return { id, folder: target.name, file, line, operator, ...texts, ...ran, date };
}

/** The results of a run together with earlier ones, without those of mutants that no longer exist. */
export function summarize(mutants: readonly Mutant[], results: readonly Result[]): Results {
  const known = new Map(mutants.map((mutant) => [mutant.id, mutant]));
  const byId = new Map(
    results.filter(({ id }) => known.has(id)).map((result) => [result.id, result]),
  );
  const latest = [...byId.values()]
    .map((result) => explain({ ...result, line: known.get(result.id)?.line ?? result.line }))
    .sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
  const folders = TARGETS.map(({ name }): [string, Count] => [
    name,
    count(
      latest.filter(({ folder }) => folder === name),
      mutants.filter(({ target }) => target.name === name).length,
    ),
  ]);
  const total = count(latest, mutants.length);
  const score = total.killed / Math.max(1, total.killed + total.survived);
  return {
    score: Number(score.toFixed(3)),
    total,
    folders: Object.fromEntries(folders),
    operators: OPERATORS,
    mutants: latest,
  };
}

function explain({ why: _, ...result }: Result): Result {
  const why = result.outcome === "survived" ? SURVIVORS[result.id] : undefined;
  return { ...result, ...(why !== undefined && { why }) };
}

function count(results: readonly Result[], possible: number): Count {
  const ended = (...outcomes: Outcome[]) =>
    results.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return {
    possible,
    run: results.length,
    killed: ended("killed", "timeout"),
    survived: ended("survived"),
    invalid: ended("invalid"),
    seconds: Math.round(results.reduce((sum, { seconds }) => sum + seconds, 0)),
  };
}
