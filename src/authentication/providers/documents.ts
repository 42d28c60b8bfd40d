import type { Context, ProviderDocument } from "../../context.ts";
import { SECOND } from "../../lib/time.ts";
import { describeError } from "../../platform/logger.ts";

/** A document that is at most `maxAgeMs` old if there is one, else an older one, or undefined. */
export async function findDocument(
  ctx: Context,
  key: string,
  maxAgeMs: number,
): Promise<ProviderDocument | undefined> {
  const { providerDocuments } = ctx.memory;
  const remembered = providerDocuments.get(key, ctx.now());
  if (remembered && isYounger(ctx, remembered, maxAgeMs)) return remembered;
  const stored = await readKv(ctx, key);
  const [newest] = [remembered, stored]
    .filter((one) => one !== undefined)
    .toSorted((a, b) => b.fetchedAt - a.fetchedAt);
  if (newest) providerDocuments.set(key, newest, ctx.now());
  return newest;
}

/** Remembers a document, and stores it in KV behind the response. */
export function keepDocument(
  ctx: Context,
  key: string,
  document: ProviderDocument,
  ttlMs: number,
): void {
  ctx.memory.providerDocuments.set(key, document, ctx.now());
  const stored = ctx.kv.put(key, document, ttlMs / SECOND).catch((error: unknown) => {
    ctx.log("warn", "provider.cache_failed", describeError(error));
  });
  ctx.waitUntil(stored);
}

// KV saves requests to the provider. Without it, the provider is asked.
async function readKv(ctx: Context, key: string): Promise<ProviderDocument | undefined> {
  try {
    return ((await ctx.kv.get(key)) as ProviderDocument | null) ?? undefined;
  } catch (error) {
    ctx.log("warn", "provider.cache_failed", describeError(error));
    return undefined;
  }
}

/** True if a document was fetched within the last `ageMs`. */
export function isYounger(
  { now }: Context,
  { fetchedAt }: ProviderDocument,
  ageMs: number,
): boolean {
  return now() - fetchedAt < ageMs;
}
