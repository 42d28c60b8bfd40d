import { unstable_readConfig as readConfig } from "wrangler";
import { isReservedName } from "../../src/lib/host.ts";
import { UsageError } from "./fail.ts";
import type { DeployTarget } from "./target.ts";

/** The parts of a worker's configuration that are read here, as wrangler normalizes them. */
interface WorkerConfig {
  name?: string;
  definedEnvironments?: string[];
  vars: Record<string, unknown>;
  d1_databases: {
    binding: string;
    database_name?: string;
    database_id?: string;
    migrations_dir?: string;
  }[];
  kv_namespaces: { binding: string; id?: string }[];
  r2_buckets: { binding: string; bucket_name?: string }[];
  send_email: { name: string }[];
  analytics_engine_datasets: { binding: string; dataset?: string }[];
  [key: string]: unknown;
}

/** Reads the configuration of an environment as wrangler does, or of the top level. */
export function readEnvironment({
  env,
  config,
}: Pick<DeployTarget, "env" | "config">): WorkerConfig {
  return readConfig({ env, config }, { hideWarnings: true });
}

/** The environments that a configuration file defines. */
export function listEnvironments(config: string | undefined): string[] {
  return readEnvironment({ env: undefined, config }).definedEnvironments ?? [];
}

/** Throws a UsageError unless the target is an environment that the file defines, or the file defines none. */
export function requireEnvironment({ env, config }: DeployTarget): void {
  const names = listEnvironments(config);
  if (env === undefined ? names.length === 0 : names.includes(env)) return;
  const problem =
    env === undefined
      ? "Nothing was deployed: no environment was named. The top level of the configuration is for local development only."
      : `Nothing was deployed: the configuration has no environment ${env}.`;
  const commands = names.map((name) => `  npm run deploy -- --env ${name}`);
  const dryRun = "To build all environments without deploying: npm run deploy -- --dry-run";
  throw new UsageError([problem, "Deploy one of:", ...commands, dryRun].join("\n"));
}

/** The public address that an environment is given, or what to set if it has none. */
export function findAppUrl(
  vars: Readonly<Record<string, unknown>>,
  { env, config }: DeployTarget,
): { url?: string; advice?: string } {
  const place = `[${env === undefined ? "" : `env.${env}.`}vars] in ${config ?? "wrangler.toml"}`;
  const given = vars.APP_URL;
  const advice =
    `Set APP_URL under ${place} to the public https:// address of this environment, ` +
    `such as https://accounts.acme.dev or https://<worker>.<your subdomain>.workers.dev.`;
  if (typeof given !== "string" || !URL.canParse(given)) return { advice };
  const { protocol, hostname, origin } = new URL(given);
  if (isReservedName(hostname)) return { advice: `APP_URL is still the placeholder. ${advice}` };
  const isAllowed = protocol === "https:" || vars.ENVIRONMENT === "development";
  return isAllowed ? { url: origin } : { advice };
}

/** What each environment must have for itself, by the words that a message uses. */
function listResources(config: WorkerConfig): [kind: string, id: string][] {
  const { name, vars, d1_databases, kv_namespaces, r2_buckets, analytics_engine_datasets } = config;
  const all: Record<string, unknown[]> = {
    "the worker's name": [name],
    APP_URL: [vars.APP_URL],
    "the D1 database": d1_databases.flatMap((item) => [item.database_name, item.database_id]),
    "the KV namespace": kv_namespaces.map(({ id }) => id),
    "the R2 bucket": r2_buckets.map(({ bucket_name }) => bucket_name),
    "the dataset": analytics_engine_datasets.map(({ dataset }) => dataset),
  };
  return Object.entries(all).flatMap(([kind, ids]) =>
    ids.filter((id) => typeof id === "string").map((id): [string, string] => [kind, id]),
  );
}

/** Throws a UsageError if an environment has a name, an address or a store that another one has, too. */
export function requireOwnResources(config: string | undefined): void {
  const owners = new Map<string, string>();
  const shared = new Set<string>();
  for (const env of [undefined, ...listEnvironments(config)]) {
    const owner = env ?? "the top level";
    for (const [kind, id] of listResources(readEnvironment({ env, config }))) {
      const key = `${kind} ${id}`;
      const other = owners.get(key);
      if (other !== undefined && other !== owner) shared.add(`  ${key}: ${other} and ${owner}`);
      owners.set(key, owner);
    }
  }
  if (shared.size === 0) return;
  throw new UsageError(
    `Nothing was deployed: environments share what each needs for itself. Change one of each:\n${[...shared].join("\n")}`,
  );
}
