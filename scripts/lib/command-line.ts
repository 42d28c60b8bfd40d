import { type ParseArgsConfig, parseArgs } from "node:util";

const HELP = { help: { type: "boolean", short: "h" } } as const;

/**
 * Reads the command line of a script. `--help` prints the usage and ends the script. What the options do not allow ends it with exit
 * code 1, a line that says what is wrong, and the usage.
 */
export function readCommandLine<const T extends ParseArgsConfig>(
  usage: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    const line = parseArgs({ ...config, options: { ...config.options, ...HELP } });
    const { help }: { help?: unknown } = line.values;
    if (help !== true) return line as ReturnType<typeof parseArgs<T>>;
  } catch (error) {
    refuseCommandLine(usage, (error as Error).message);
  }
  console.log(usage);
  process.exit(0);
}

/** Prints the usage for `--help`, and ends the script. For scripts that pass options on to wrangler, which knows what is wrong. */
export function answerHelp(usage: string, args: readonly string[]): void {
  if (!args.includes("--help") && !args.includes("-h")) return;
  console.log(usage);
  process.exit(0);
}

/** Ends a script with exit code 1, what is wrong with its command line, and its usage. */
export function refuseCommandLine(usage: string, message: string): never {
  console.error(`error: ${message}\n${usage}`);
  process.exit(1);
}

/** The value of an option that is a positive integer. Ends the script as `readCommandLine` does for any other. */
export function readCount(usage: string, option: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  return refuseCommandLine(usage, `${option} takes a positive integer, not ${text}.`);
}

/** The names on the command line, all of which must be known. Ends the script as `readCommandLine` does for any other. */
export function readNames(usage: string, known: readonly string[]): string[] {
  const { positionals } = readCommandLine(usage, { allowPositionals: true });
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown === undefined) return positionals;
  return refuseCommandLine(usage, `There is no ${unknown}. There are: ${known.join(", ")}.`);
}
