// npm run deploy [-- flags of `wrangler deploy`]: applies migrations and deploys. Creates missing secrets at the first deploy.
import { parseArgs } from "node:util";
import { unstable_readConfig as readConfig } from "wrangler";
import { readVars, writeVars } from "./lib/dev-vars.ts";
import { main, UsageError } from "./lib/fail.ts";
import { adviseOnMail } from "./lib/mail-advice.ts";
import { newKeySettings } from "./lib/new-keys.ts";
import { type DeployTarget, toSecretsFile, toTargetFlags } from "./lib/target.ts";
import { takeBookmark } from "./lib/time-travel.ts";
import { runWrangler, startWrangler } from "./lib/wrangler.ts";

const NEEDED = ["SIGNING_KEYS", "MAC_KEYS", "DATA_KEYS"];
const UNKNOWN_WORKER = /Worker "[^"]*".* not found/;

await main(async () => {
  const args = process.argv.slice(2);
  if (args.includes("--dry-run")) {
    await wrangler(["deploy", ...args]);
    return printMailAdvice(args, undefined);
  }
  const place = readTarget(args);
  const target = toTargetFlags(place);
  const known = await listSecrets([...target, ...(place.name ? ["--name", place.name] : [])]);
  const missing = NEEDED.filter((name) => !known.includes(name));
  const migrate = ["d1", "migrations", "apply", "DB", "--remote", ...target];
  if (missing.length === 0) {
    await printBookmark(target);
    await wrangler(migrate);
    await wrangler(["deploy", ...args]);
    return printMailAdvice(args, known);
  }
  const file = toSecretsFile(place);
  await makeProductionKeys(file, missing);
  await wrangler(["deploy", "--secrets-file", file, ...args]);
  await wrangler(migrate);
  const env = place.env === undefined ? "" : ` --env ${place.env}`;
  console.log(`
The keys are in ${file}. Move it to a safe place: key rotation needs it.
Check https://<your worker>/ready: it lists what is missing, such as APP_URL.
Create an administrator, which also opens registration:
  npm run admin -- create --email EMAIL --username NAME --remote${env}`);
  printMailAdvice(args, known);
});

/** Prints how to restore the database as it is before the deploy. */
async function printBookmark(target: readonly string[]): Promise<void> {
  const since = new Date().toISOString();
  const bookmark = await takeBookmark({ where: ["--remote", ...target], state: undefined, target });
  console.log(`If this deploy damages data, restore the database as it is now:
  npm run backup -- restore --bookmark ${bookmark} --since ${since} --save lost-events.ndjson ${["--remote", ...target].join(" ")}`);
}

/** Prints what to set if the worker that was deployed sends no email. */
function printMailAdvice(args: string[], secrets: readonly string[] | undefined): void {
  const { env, config } = readTarget(args);
  const { vars } = readConfig({ env, config }, { hideWarnings: true });
  const given = readFlags(args).var.map((pair) => {
    const name = pair.split(":")[0] ?? "";
    return [name, pair.slice(name.length + 1)];
  });
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
      name: { type: "string" },
      var: { type: "string", multiple: true, default: [] },
    },
  });
  return { ...values, var: values.var as string[] };
}

function readTarget(args: string[]): DeployTarget {
  const { env, config, name } = readFlags(args);
  const text = (value: unknown) => (typeof value === "string" && value ? value : undefined);
  return {
    // Wrangler reads the variable, too.
    env: text(env) ?? text(process.env.CLOUDFLARE_ENV),
    config: text(config),
    name: text(name),
  };
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
async function makeProductionKeys(file: string, missing: readonly string[]): Promise<void> {
  const existing = readVars(file) ?? {};
  if (missing.every((name) => existing[name])) return;
  const wanted = Object.entries(await newKeySettings()).filter(([name]) => missing.includes(name));
  const vars = { ...Object.fromEntries(wanted), ...existing };
  writeVars(file, vars, "Production secrets of Roster. Keep them out of the repository.");
}

async function wrangler(args: readonly string[]): Promise<void> {
  const child = startWrangler(args);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0)
    throw new UsageError(
      `wrangler ${args[0]} failed, see above. The remaining steps were skipped.`,
    );
}
