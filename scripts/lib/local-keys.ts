import { existsSync } from "node:fs";
import { importDataKeys } from "../../src/lib/jwk.ts";
import { readVars } from "./dev-vars.ts";
import { UsageError } from "./fail.ts";

/**
 * The `DATA_KEYS` of a local worker, from the file that wrangler reads: `.dev.vars`, or `.dev.vars.<env>` if that exists. Undefined
 * if there are none. The keys of a remote worker are not known: a file may be older than the keys in use.
 */
export async function readLocalDataKeys(
  env: string | undefined,
): Promise<ReadonlyMap<string, CryptoKey> | undefined> {
  const ofEnv = `.dev.vars.${env}`;
  const file = env !== undefined && existsSync(ofEnv) ? ofEnv : ".dev.vars";
  const text = readVars(file)?.DATA_KEYS;
  if (!text) return undefined;
  try {
    return await importDataKeys(text);
  } catch (error) {
    throw new UsageError(`${file}: DATA_KEYS ${(error as Error).message}.`);
  }
}
