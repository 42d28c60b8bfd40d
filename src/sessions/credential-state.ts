import type { Context, CredentialState } from "../context.ts";
import type { Principal } from "../lib/principal.ts";
import { MINUTE, SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";

/** How long what D1 said of a credential may be relied on where a minute does not matter. */
const FRESH_MS = MINUTE;

/** What D1 says of a credential: its principal, or null once it is of no use. */
export type LoadPrincipal = () => Promise<Principal | null>;

/**
 * What is known of a credential: from this isolate's memory or from KV when D1 was asked within the last minute, else from D1,
 * and KV is told. That a credential has ended never grows old. A failing KV costs a query and nothing else.
 */
export async function getRecentPrincipal(
  ctx: Context,
  key: string,
  load: LoadPrincipal,
): Promise<Principal | null> {
  const known = ctx.credentialCache.get(key, ctx.now()) ?? (await readKv(ctx, key));
  if (known && isUsable(known, ctx.now())) {
    ctx.credentialCache.set(key, known, ctx.now());
    return known.principal;
  }
  const principal = await load();
  publishPrincipal(ctx, key, principal);
  return principal;
}

/** Tells memory and KV, behind the response, what D1 has said of a credential in this request. */
export function publishPrincipal(ctx: Context, key: string, principal: Principal | null): void {
  const state: CredentialState = { principal, checkedAt: ctx.now() };
  ctx.credentialCache.set(key, state, ctx.now());
  // A tombstone outlives every access token of the session, and every entry that a slower request may have read.
  const ttlSeconds = principal ? FRESH_MS / SECOND : ctx.config.accessToken.ttlSeconds;
  const write = ctx.kv.put(key, state, ttlSeconds).catch((error: unknown) => {
    ctx.log("warn", "kv.credential_write_failed", describeError(error));
  });
  ctx.waitUntil(write);
}

async function readKv(ctx: Context, key: string): Promise<CredentialState | undefined> {
  try {
    return ((await ctx.kv.get(key)) as CredentialState | null) ?? undefined;
  } catch (error) {
    ctx.log("warn", "kv.credential_read_failed", describeError(error));
    return undefined;
  }
}

function isUsable(state: CredentialState, now: number): boolean {
  return state.principal === null || state.checkedAt > now - FRESH_MS;
}
