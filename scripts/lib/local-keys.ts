import { existsSync } from "node:fs";
import { importDataKeys, importSigningKeys } from "../../src/lib/jwk.ts";
import { readVars } from "./dev-vars.ts";
import { UsageError } from "./fail.ts";

/**
 * The `DATA_KEYS` of a local worker. Undefined if there are none. The keys of a remote worker are not known: a file may be older than
 * the keys in use.
 */
export function readLocalDataKeys(
  env: string | undefined,
): Promise<ReadonlyMap<string, CryptoKey> | undefined> {
  return readLocal("DATA_KEYS", env, importDataKeys);
}

/** The public `SIGNING_KEYS` of a local worker, by `kid`. Empty if there are none. */
export async function readLocalSigningKeys(
  env: string | undefined,
): Promise<ReadonlyMap<string, CryptoKey>> {
  const keys = (await readLocal("SIGNING_KEYS", env, importSigningKeys)) ?? new Map();
  return new Map([...keys.values()].map(({ kid, publicKey }) => [kid, publicKey]));
}

// From the file that wrangler reads: `.dev.vars`, or `.dev.vars.<env>` if that exists.
async function readLocal<T>(
  setting: string,
  env: string | undefined,
  importKeys: (text: string) => Promise<T>,
): Promise<T | undefined> {
  const ofEnv = `.dev.vars.${env}`;
  const file = env !== undefined && existsSync(ofEnv) ? ofEnv : ".dev.vars";
  const text = readVars(file)?.[setting];
  if (!text) return undefined;
  try {
    return await importKeys(text);
  } catch (error) {
    throw new UsageError(`${file}: ${setting} ${(error as Error).message}.`);
  }
}
