import type { Context, Memory } from "../context.ts";
import { mintDataKey, type Person, unwrapDataKey, wrappingKeyId } from "../lib/data-key.ts";
import { storeDataKey } from "./repository.ts";

/** What unwraps data keys. */
export type KeyRing = Pick<Context, "config" | "log" | "now"> & {
  memory: Pick<Memory, "dataKeys" | "missingKeys">;
};

/** The data key of a person. Undefined if they have none, or if `DATA_KEYS` cannot unwrap it, which is logged. */
export async function findDataKey(
  ring: KeyRing,
  person: Pick<Person, "id" | "dataKey">,
): Promise<CryptoKey | undefined> {
  const { dataKey } = person;
  if (dataKey === null) return undefined;
  // Cached by the wrapped key, which only D1 has: once that is erased, the cached key can no longer be looked up.
  const name = `${person.id} ${dataKey}`;
  const known = ring.memory.dataKeys.get(name, ring.now());
  if (known) return known;
  const key = await unwrapDataKey(person, ring.config.dataKeys);
  if (key) ring.memory.dataKeys.set(name, key, ring.now());
  else reportMissingKey(ring, dataKey);
  return key;
}

/**
 * The person with a data key. A person without one, such as an administrator made by a script, gets one in a round trip of its own,
 * before anything is sealed: of concurrent requests, all use the key that is stored first.
 */
export async function provideDataKey(ctx: Context, person: Person): Promise<Person> {
  const { id, dataKey } = person;
  if (dataKey !== null) return person;
  const minted = await mintDataKey(id, ctx.config.dataKeys);
  const { stored } = await ctx.d1.send({ stored: storeDataKey(ctx.db, id, minted) });
  return { id, dataKey: stored[0]?.dataKey ?? null };
}

/**
 * Remembers that `DATA_KEYS` lacks the key that a data key is wrapped with, for /ready, and logs its id once per isolate. Until the
 * key is restored, nothing can be sealed or opened for the persons concerned.
 */
export function reportMissingKey(
  { log, memory }: Pick<KeyRing, "log"> & { memory: Pick<Memory, "missingKeys"> },
  dataKey: string,
): void {
  const kid = wrappingKeyId(dataKey);
  if (memory.missingKeys.has(kid)) return;
  memory.missingKeys.add(kid);
  log("error", "data_key.missing", { kid });
}
