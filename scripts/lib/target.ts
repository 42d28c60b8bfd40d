import { basename } from "node:path";

const DEFAULT_CONFIG = "wrangler.toml";

/** Which worker is deployed: the flags of `wrangler deploy` that decide it. */
export interface DeployTarget {
  env: string | undefined;
  config: string | undefined;
  name: string | undefined;
}

/**
 * The file with the secrets of a worker: `.prod.vars`, or `.prod.staging.vars` for the environment `staging`. Every worker has a
 * file of its own, so that no two share keys.
 */
export function toSecretsFile({ env, config, name }: DeployTarget): string {
  const file = config === undefined ? DEFAULT_CONFIG : basename(config);
  const parts = [name, file === DEFAULT_CONFIG ? undefined : file, env];
  return [".prod", ...parts.filter((part) => part !== undefined), "vars"].join(".");
}

/** The flags that select the same worker and its database for other commands of wrangler. */
export function toTargetFlags({ env, config }: DeployTarget): string[] {
  return Object.entries({ env, config }).flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag}`, value],
  );
}

/** The flags of a script that select a database. */
interface PlaceFlags {
  remote?: boolean | undefined;
  env?: string | undefined;
  "persist-to"?: string | undefined;
}

/** The environment that a script works on: the one that is named; of remote databases, production by default. */
export function toEnvironment({ remote, env }: PlaceFlags): string | undefined {
  // An empty name is the top level of the configuration.
  if (env !== undefined) return env || undefined;
  return remote ? (process.env.CLOUDFLARE_ENV ?? "production") : undefined;
}

/** The flags of wrangler that select the same database. */
export function toPlaceFlags(flags: PlaceFlags): string[] {
  const { remote, "persist-to": persistTo } = flags;
  const env = toEnvironment(flags);
  return [
    ...(remote ? ["--remote"] : ["--local"]),
    ...(env ? ["--env", env] : []),
    ...(persistTo && !remote ? ["--persist-to", persistTo] : []),
  ];
}
