// npm run deploy -- --env staging|production [--skip-checks] [--admin-email E --admin-username U] [flags of `wrangler deploy`]:
// checks, migrates and deploys an environment. The first deploy also creates its secrets and its first administrator.
// npm run deploy -- --dry-run [--env …]: builds what would be deployed, without an account.
import { spawn } from "node:child_process";
import { answerHelp } from "./lib/command-line.ts";
import { type DeployFlags, readDeployFlags } from "./lib/deploy-flags.ts";
import { readVars, writeVars } from "./lib/dev-vars.ts";
import {
  findAppUrl,
  listEnvironments,
  readEnvironment,
  requireEnvironment,
  requireOwnResources,
} from "./lib/environments.ts";
import { main, UsageError } from "./lib/fail.ts";
import { ensureFirstAdmin } from "./lib/first-admin.ts";
import { adviseOnMail } from "./lib/mail-advice.ts";
import { newKeySettings } from "./lib/new-keys.ts";
import { describeRelease, type Release, readRelease } from "./lib/release.ts";
import { type DeployTarget, toSecretsFile, toTargetFlags } from "./lib/target.ts";
import { takeBookmark } from "./lib/time-travel.ts";
import { runWrangler, startWrangler } from "./lib/wrangler.ts";

const NEEDED = ["SIGNING_KEYS", "MAC_KEYS", "DATA_KEYS"];
const UNKNOWN_WORKER = /Worker "[^"]*".* not found/;
const UPLOAD = /Total Upload: (.+ KiB) \/ gzip: (.+ KiB)/;

const USAGE = `Usage:
  npm run deploy -- --env staging|production [--skip-checks] [--admin-email EMAIL --admin-username NAME]
  npm run deploy -- --dry-run [--env staging|production]
Checks, migrates and deploys an environment. The first deploy also creates its secrets and its first administrator.
--dry-run builds what would be deployed, without an account.
All other options are passed on to wrangler deploy.`;

await main(async () => {
  const args = process.argv.slice(2);
  answerHelp(USAGE, args);
  const flags = readDeployFlags(args);
  if (flags.isDryRun) return buildAll(flags);
  const { target } = flags;
  requireEnvironment(target);
  requireOwnResources(target.config);
  const vars = { ...readEnvironment(target).vars, ...flags.vars };
  const { url, advice } = findAppUrl(vars, target);
  if (advice) throw new UsageError(`Nothing was deployed. ${advice}`);
  const release = readRelease();
  announce(release, target);
  await check(flags);
  const secrets = await listSecrets(target);
  const missing = NEEDED.filter((name) => !secrets.includes(name));
  if (missing.length === 0) await update(flags, release);
  else await deployFirst(flags, release, missing);
  await createAdministrator(flags);
  if (url) await smoke(url, target);
  const mailAdvice = adviseOnMail({ vars, secrets });
  if (mailAdvice) console.log(mailAdvice);
});

/** Builds each environment, or the one that is named, and prints the size of its bundle. */
async function buildAll({ target, rest, vars }: DeployFlags): Promise<void> {
  if (target.env !== undefined) requireEnvironment(target);
  requireOwnResources(target.config);
  const names = target.env === undefined ? listEnvironments(target.config) : [target.env];
  for (const env of names.length > 0 ? names : [undefined]) {
    const place = env === undefined ? [] : ["--env", env];
    const output = await runWrangler(["deploy", "--dry-run", ...place, ...rest]);
    const [, raw, gzip] = UPLOAD.exec(output) ?? [];
    if (!gzip) throw new UsageError(`wrangler printed no size of the bundle:\n${output}`);
    console.log(`${env ?? "the worker"}: the bundle builds, ${raw}, ${gzip} with gzip`);
    const all = { ...readEnvironment({ ...target, env }).vars, ...vars };
    const { advice } = findAppUrl(all, { ...target, env });
    if (advice) console.log(`  To be done before the first deploy: ${advice}`);
  }
}

function announce(release: Release, { env }: DeployTarget): void {
  console.log(`Deploying ${describeRelease(release)}${env ? ` to ${env}` : ""}.`);
  if (release.isChanged) {
    console.warn("warning: files have changes that are not committed, and are deployed, too.");
  }
  if (release.commit === undefined) {
    console.warn("warning: this is not a git checkout: the version will name no commit.");
  }
}

async function check({ skipsChecks }: DeployFlags): Promise<void> {
  if (skipsChecks) return;
  const code = await run("npm", ["run", "--silent", "check"]);
  if (code === 0) return;
  throw new UsageError(
    "`npm run check` failed, see above. Nothing was deployed. Fix it, or add --skip-checks if it was run already.",
  );
}

/** The names of the worker's secrets. Empty before the first deploy. */
async function listSecrets(target: DeployTarget): Promise<string[]> {
  const name = target.name === undefined ? [] : ["--name", target.name];
  try {
    const flags = ["--format", "json", ...toTargetFlags(target), ...name];
    const output = await runWrangler(["secret", "list", ...flags]);
    const secrets = JSON.parse(output.slice(output.indexOf("["))) as { name: string }[];
    return secrets.map((secret) => secret.name);
  } catch (error) {
    const isUnknownWorker = error instanceof Error && UNKNOWN_WORKER.test(error.message);
    if (isUnknownWorker) return [];
    throw error;
  }
}

/** Migrates first: the migrations also work with the worker that is running (docs/run/deployment.md, "Expand and contract"). */
async function update(flags: DeployFlags, release: Release): Promise<void> {
  await printBookmark(toTargetFlags(flags.target));
  await migrate(
    flags,
    "The worker was not deployed: the version before still runs. Fix the migration, and deploy again. " +
      "If data was damaged, restore the database with the command above.",
  );
  await deployWorker(
    [...stamp(release), ...toFlags(flags)],
    "The version before still runs, on the migrated database, which it supports. Fix the cause, and deploy again.",
  );
}

/** Deploys before it migrates, because the deploy creates the database. Until it is migrated, /ready answers 503. */
async function deployFirst(flags: DeployFlags, release: Release, missing: readonly string[]) {
  const { target } = flags;
  if (process.env.CI) {
    throw new UsageError(
      `Nothing was deployed: the worker has no ${missing.join(", ")}. Run the first deploy on your own machine, so that its keys are not left on a build machine.`,
    );
  }
  const file = toSecretsFile(target);
  await writeNewKeys(file, missing);
  await deployWorker(
    ["--secrets-file", file, ...stamp(release), ...toFlags(flags)],
    `The new keys are in ${file}. Fix the cause, and deploy again: the same keys are used.`,
  );
  await migrate(
    flags,
    "The worker runs, but answers 503 until its database is migrated. Deploy again.",
  );
  console.log(`The keys are in ${file}. Move it to a safe place: key rotation needs it.`);
}

/** Prints how to restore the database as it is before the deploy. */
async function printBookmark(target: readonly string[]): Promise<void> {
  const since = new Date().toISOString();
  const where = ["--remote", ...target];
  const bookmark = await takeBookmark({ where, state: undefined, target }).catch(
    (error: unknown) => {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError(
        `There is no bookmark of the database, so nothing was changed. Try again.\n${error.message}`,
      );
    },
  );
  console.log(`If this deploy damages data, restore the database as it is now:
  npm run backup -- restore --bookmark ${bookmark} --since ${since} --save lost-events.ndjson ${where.join(" ")}`);
}

async function migrate({ target }: DeployFlags, advice: string): Promise<void> {
  const args = ["d1", "migrations", "apply", "DB", "--remote", ...toTargetFlags(target)];
  await wrangler(args, advice);
}

async function deployWorker(args: readonly string[], advice: string): Promise<void> {
  await wrangler(["deploy", ...args], advice);
}

/** What `wrangler versions list` shows of this deploy. */
function stamp(release: Release): string[] {
  return ["--tag", `v${release.version}`, "--message", describeRelease(release)];
}

function toFlags({ target, rest }: DeployFlags): string[] {
  return [...(target.env === undefined ? [] : ["--env", target.env]), ...rest];
}

async function createAdministrator({ target, admin }: DeployFlags): Promise<void> {
  const flags = toTargetFlags(target);
  const email = admin?.email ?? "you@example.com";
  const message = await ensureFirstAdmin({
    where: ["--remote", ...flags],
    names: process.env.CI ? undefined : admin,
    file: toSecretsFile(target).replace(/vars$/, "admin.vars"),
    command: `npm run admin -- create --email ${email} --username ${admin?.username ?? "you"} --remote ${flags.join(" ")}`,
  });
  if (message) console.log(message);
}

/** Checks the deployed service over HTTP, if its address can be reached already. */
async function smoke(url: string, { env }: DeployTarget): Promise<void> {
  const isReachable = await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) }).then(
    () => true,
    () => false,
  );
  if (!isReachable) {
    return console.log(
      `${url} cannot be reached from here. Once its DNS record and its route exist, check it: npm run smoke -- ${url}`,
    );
  }
  const code = await run(process.execPath, ["scripts/smoke.ts", url, "--wait", "60"]);
  if (code === 0) return;
  const place = env === undefined ? "" : ` --env ${env}`;
  throw new UsageError(
    `The worker is deployed, but does not work as it should, see above. To go back: npx wrangler rollback${place}`,
  );
}

/** Writes keys for missing secrets, unless the file already has them from a failed deploy. */
async function writeNewKeys(file: string, missing: readonly string[]): Promise<void> {
  const existing = readVars(file) ?? {};
  if (missing.every((name) => existing[name])) return;
  const wanted = Object.entries(await newKeySettings()).filter(([name]) => missing.includes(name));
  const vars = { ...Object.fromEntries(wanted), ...existing };
  writeVars(file, vars, "Production secrets of Roster. Keep them out of the repository.");
}

/** Runs wrangler with its output on the terminal. */
async function wrangler(args: readonly string[], advice: string): Promise<void> {
  const child = startWrangler(args);
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code === 0) return;
  const command = args.slice(0, args[0] === "d1" ? 3 : 1).join(" ");
  throw new UsageError(
    `wrangler ${command} failed, see above. The remaining steps were skipped. ${advice}`,
  );
}

async function run(command: string, args: readonly string[]): Promise<number | null> {
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  return new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
}
