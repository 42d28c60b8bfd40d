import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseSync } from "oxc-parser";
import { type Edit, findEdits, OPERATORS, type Operator } from "./edits.ts";
import { TARGETS, type Target } from "./targets.ts";

/** A weakened version of one source. */
export interface Mutant extends Edit {
  /** The same in every run, as long as the text that is changed is the same. */
  id: string;
  target: Target;
  file: string;
  line: number;
  original: string;
  /** The source with the change. */
  source: string;
}

const ID_DIGITS = 10;

/** All mutants of a target, in an order that is the same in every run and prefers no file and no operator. */
export function listMutants(root: string, target: Target): Mutant[] {
  const files = globSync([...target.sources], { cwd: root }).filter((file) =>
    isMutated(file, target),
  );
  const all = files.flatMap((file) => mutantsOf(root, file, target));
  const byOperator = (Object.keys(OPERATORS) as Operator[]).map((operator) =>
    all.filter((mutant) => mutant.operator === operator).sort((a, b) => (a.id < b.id ? -1 : 1)),
  );
  return interleave(byOperator);
}

// A source belongs to the last target that names it.
function isMutated(file: string, target: Target): boolean {
  if (file.endsWith("schema.ts")) return false;
  const isNamed = TARGETS.filter(({ sources }) => sources.includes(file));
  return isNamed.length === 0 || isNamed.includes(target);
}

function mutantsOf(root: string, file: string, target: Target): Mutant[] {
  const source = readFileSync(join(root, file), "utf8");
  const { program } = parseSync(file, source);
  const seen = new Map<string, number>();
  return findEdits(program, source).flatMap((edit) => {
    const original = source.slice(edit.start, edit.end);
    const mutated = source.slice(0, edit.start) + edit.replacement + source.slice(edit.end);
    if (parseSync(file, mutated).errors.length > 0) return [];
    const text = [file, edit.operator, original, edit.replacement].join("\n");
    const count = (seen.get(text) ?? 0) + 1;
    seen.set(text, count);
    const id = createHash("sha256").update(`${text}\n${count}`).digest("hex").slice(0, ID_DIGITS);
    const line = source.slice(0, edit.start).split("\n").length;
    return [{ ...edit, id, target, file, line, original, source: mutated }];
  });
}

/** Takes one of each list in turn. */
export function interleave<T>(lists: readonly T[][]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) =>
    lists.flatMap((list) => list.slice(i, i + 1)),
  ).flat();
}
