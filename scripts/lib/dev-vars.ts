import { existsSync, readFileSync, statSync } from "node:fs";
import { parseEnv } from "node:util";
import { UsageError } from "./fail.ts";
import { writePrivateFile } from "./private-file.ts";

const LINE = /^\s*(#.*|(export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=.*)?$/;

export type Vars = Record<string, string>;

/** Reads a file of KEY=value lines. Undefined if the file does not exist. Throws a UsageError naming an invalid line. */
export function readVars(path: string): Vars | undefined {
  if (!existsSync(path)) return undefined;
  if (!statSync(path).isFile()) throw new UsageError(`${path} is not a file.`);
  const text = readFileSync(path, "utf8");
  const broken = text.split(/\r?\n/).findIndex((line) => !LINE.test(line));
  if (broken >= 0) {
    throw new UsageError(
      `${path} line ${broken + 1} is not KEY=value. Fix it, or delete the file to start over.`,
    );
  }
  return parseEnv(text) as Vars;
}

/** Writes a file of secrets that only its owner may read. */
export function writeVars(path: string, vars: Vars, comment: string): void {
  const lines = Object.entries(vars).map(([name, value]) => toLine(name, value));
  writePrivateFile(path, `# ${comment}\n${lines.join("\n")}\n`);
}

/** Sets one value in an existing file and leaves the rest unchanged. Afterwards only its owner may read it. */
export function setVar(path: string, name: string, value: string): void {
  const lines = readFileSync(path, "utf8").trimEnd().split(/\r?\n/);
  const declares = new RegExp(`^\\s*(export\\s+)?${name}\\s*=`);
  const others = lines.filter((line) => !declares.test(line));
  const at = lines.findIndex((line) => declares.test(line));
  others.splice(at < 0 ? others.length : at, 0, toLine(name, value));
  writePrivateFile(path, `${others.join("\n")}\n`);
}

function toLine(name: string, value: string): string {
  return `${name}=${/[\s"#{]/.test(value) ? `'${value}'` : value}`;
}
