// npm run deploy [-- flags of `wrangler deploy`]: applies migrations and deploys. Creates missing secrets at the first deploy.
import { parseArgs } from "node:util";
import { unstable_readConfig as readConfig } from "wrangler";
import { readVars, writeVars } from "./lib/dev-vars.ts";
import { main, UsageError } from "./lib/fail.ts";
import { adviseOnMail } from "./lib/mail-advice.ts";
import { newKeySettings } from "./lib/new-keys.ts";
import { runWrangler, startWrangler } from "./lib/wrangler.ts";

const FILE = ".prod.vars";
const NEEDED = ["SIGNING_KEYS", "MAC_KEYS", "DATA_KEYS"];
const UNKNOWN_WORKER = /Worker "[^"]*".* not found/;

await main(async () => {
  const args = process.argv.slice(2);
  if (args.includes("--dry-run")) {
    await wrangler(["deploy", ...args]);
    return printMailAdvice(args, undefined);
  }
  const target = readTarget(args);
  const known = await listSecrets(target);
  const missing = NEEDED.filter((name) => !known.includes(name));
  const migrate = ["d1", "migrations", "apply", "DB", "--remote", ...target];
  if (missing.length === 0) {
    await wrangler(migrate);
    await wrangler(["deploy", ...args]);
    return printMailAdvice(args, known);
  }
  await makeProductionKeys(missing);
  await wrangler(["deploy", "--secrets-file", FILE, ...args]);
  await wrangler(migrate);
  console.log(`
The keys are in ${FILE}. Move it to a safe place: key rotation needs it.
Create an administrator: npm run admin -- create --email EMAIL --username NAME --remote`);
  printMailAdvice(args, known);
});

/** Prints what to set if the worker that was deployed sends no email. */
function printMailAdvice(args: string[], secrets: readonly string[] | undefined): void {
  const { env, config, var: pairs } = readFlags(args);
  const { vars } = readConfig({ env, config }, { hideWarnings: true });
  const given = pairs.map((pair) => [pair.split(":")[0], pair.slice(pair.indexOf(":") + 1)]);
  const advice = adviseOnMail({ vars: { ...vars, ...Object.fromEntries(given) }, secrets });
  if (advice) console.log(advice);
}

function readFlags(args: string[]) {
  const { values } = parseArgs({
    args,
    strict: false,
    options: {
      env: { type: "string", short: "e" },
      config: { type: "string", short: "c" },
      var: { type: "string", multiple: true, default: [] },
    },
  });
  const { env, config, var: pairs } = values;
  return {
    env: env as string | undefined,
    config: config as string | undefined,
    var: pairs as string[],
  };
}

/** The flags that select the worker, for wrangler commands other than `deploy`. */
function readTarget(args: string[]): string[] {
  const values = readFlags(args);
  return Object.entries({ env: values.env, config: values.config }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
}

/** The names of the worker's secrets. Empty before the first deploy. */
async function listSecrets(target: readonly string[]): Promise<string[]> {
  try {
    const output = await runWrangler(["secret", "list", "--format", "json", ...target]);
    const secrets = JSON.parse(output.slice(output.indexOf("["))) as { name: string }[];
    return secrets.map(({ name }) => name);
  } catch (error) {
    const isUnknownWorker = error instanceof Error && UNKNOWN_WORKER.test(error.message);
    if (isUnknownWorker) return [];
    throw error;
  }
}

/** Writes keys for missing secrets, unless the file already has them from a failed deploy. */
async function makeProductionKeys(missing: readonly string[]): Promise<void> {
  const existing = readVars(FILE) ?? {};
  if (missing.every((name) => existing[name])) return;
  const wanted = Object.entries(await newKeySettings()).filter(([name]) => missing.includes(name));
  const vars = { ...Object.fromEntries(wanted), ...existing };
  writeVars(FILE, vars, "Production secrets of Roster. Keep them out of the repository.");
}

async function wrangler(args: readonly string[]): Promise<void> {
  const child = startWrangler(args);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0)
    throw new UsageError(
      `wrangler ${args[0]} failed, see above. The remaining steps were skipped.`,
    );
}
