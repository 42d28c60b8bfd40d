import type { Principal } from "../../access/principal.ts";
import type { Context, CredentialState } from "../../context.ts";
import { MINUTE, SECOND } from "../../lib/time.ts";
import { describeError } from "../../platform/logger.ts";

/** How long what D1 said of a credential may be relied on where a minute does not matter. */
const FRESH_MS = MINUTE;

/** What D1 says of a credential: its principal, null when it is of no use now, undefined when there is no such credential. */
export type LoadPrincipal = () => Promise<Principal | null | undefined>;

/**
 * What is known of a credential: from this isolate's memory or from KV when D1 was asked within the last minute, else from D1,
 * and KV is told. A failing KV costs a query and nothing else.
 */
export async function getRecentPrincipal(
  ctx: Context,
  key: string,
  load: LoadPrincipal,
): Promise<Principal | null> {
  const remembered = ctx.credentialCache.get(key, ctx.now());
  const known = remembered ?? (await readKv(ctx, key));
  if (known && isUsable(known, ctx.now())) {
    if (!remembered) remember(ctx, key, known);
    return known.principal;
  }
  const principal = await load();
  if (principal !== undefined) publish(ctx, key, principal, false);
  return principal ?? null;
}

/** Tells memory and KV, behind the response, for whom a credential stands, as D1 has said in this request. */
export function publishPrincipal(ctx: Context, key: string, principal: Principal): void {
  publish(ctx, key, principal, false);
}

/** Tells them that it has ended for good: that never grows old, and nothing slower makes it live again. */
export function publishEnd(ctx: Context, key: string): void {
  publish(ctx, key, null, true);
}

function publish(ctx: Context, key: string, principal: Principal | null, hasEnded: boolean): void {
  if (!hasEnded && ctx.credentialCache.get(key, ctx.now())?.hasEnded) return;
  // The data key stays in D1, so that erasing it there is the end of it.
  const known = principal && { ...principal, dataKey: null };
  const state: CredentialState = { principal: known, hasEnded, checkedAt: ctx.now() };
  remember(ctx, key, state);
  // An end is told for as long as an access token of the session may come.
  const ttlSeconds = hasEnded ? ctx.config.accessToken.ttlSeconds : FRESH_MS / SECOND;
  const write = ctx.kv.put(key, state, ttlSeconds).catch((error: unknown) => {
    ctx.log("warn", "kv.credential_write_failed", describeError(error));
  });
  ctx.waitUntil(write);
}

// An end is remembered until whatever KV may still say of the time before has grown old.
function remember(ctx: Context, key: string, state: CredentialState): void {
  ctx.credentialCache.set(key, state, ctx.now(), state.hasEnded ? FRESH_MS : undefined);
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
  return state.hasEnded || state.checkedAt > now - FRESH_MS;
}
