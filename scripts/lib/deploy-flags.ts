import { parseArgs } from "node:util";
import { UsageError } from "./fail.ts";
import type { DeployTarget } from "./target.ts";

/** What `npm run deploy` was asked to do. */
export interface DeployFlags {
  target: DeployTarget;
  isDryRun: boolean;
  skipsChecks: boolean;
  /** The first administrator; undefined to ask, or to do without. */
  admin: { email: string; username: string } | undefined;
  /** The variables of `--var`. */
  vars: Readonly<Record<string, string>>;
  /** The flags that are passed on to `wrangler deploy`, without those of the target's environment. */
  rest: readonly string[];
}

/** The flags that wrangler does not get from the command line: those of this script, and the environment, which is always added. */
const OWN = ["env", "dry-run", "skip-checks", "admin-email", "admin-username"];

/** Reads the flags. Throws a UsageError if only one of the administrator's is given. */
export function readDeployFlags(args: readonly string[]): DeployFlags {
  const { values, tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: {
      env: { type: "string", short: "e" },
      config: { type: "string", short: "c" },
      name: { type: "string" },
      var: { type: "string", multiple: true, default: [] },
      "dry-run": { type: "boolean" },
      "skip-checks": { type: "boolean" },
      "admin-email": { type: "string" },
      "admin-username": { type: "string" },
    },
  });
  const own = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== "option" || !OWN.includes(token.name)) continue;
    own.add(token.index);
    if (token.value !== undefined && token.inlineValue === false) own.add(token.index + 1);
  }
  return {
    target: {
      // Wrangler reads the variable, too.
      env: toText(values.env) ?? toText(process.env.CLOUDFLARE_ENV),
      config: toText(values.config),
      name: toText(values.name),
    },
    isDryRun: values["dry-run"] === true,
    skipsChecks: values["skip-checks"] === true,
    admin: readAdmin(toText(values["admin-email"]), toText(values["admin-username"])),
    vars: readVars(values.var as string[]),
    rest: args.filter((_, index) => !own.has(index)),
  };
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readAdmin(email: string | undefined, username: string | undefined) {
  if (email === undefined && username === undefined) return undefined;
  if (email && username) return { email, username };
  throw new UsageError("--admin-email and --admin-username are needed together.");
}

function readVars(pairs: readonly string[]): Record<string, string> {
  const entries = pairs.map((pair): [string, string] => {
    const at = pair.indexOf(":");
    return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
  });
  return Object.fromEntries(entries);
}
