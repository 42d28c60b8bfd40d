import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { UsageError } from "./fail.ts";

const LINE = /^\s*(#.*|(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=.*)?$/;

export type Vars = Record<string, string>;

/** Reads a file of KEY=value lines; undefined when there is none. A line that is something else is named. */
export function readVars(path: string): Vars | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, "utf8");
  const broken = text.split(/\r?\n/).findIndex((line) => !LINE.test(line));
  if (broken >= 0) {
    throw new UsageError(
      `${path} line ${broken + 1} is not KEY=value. Mend it, or delete the file to start afresh.`,
    );
  }
  return parseEnv(text) as Vars;
}

/** Writes a file of secrets that only its owner may read. */
export function writeVars(path: string, vars: Vars, comment: string): void {
  const lines = Object.entries(vars).map(([key, value]) => `${key}=${quote(value)}`);
  writeFileSync(path, `# ${comment}\n${lines.join("\n")}\n`, { mode: 0o600 });
}

function quote(value: string): string {
  return /[\s"#{]/.test(value) ? `'${value}'` : value;
}
