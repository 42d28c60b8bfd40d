import type { KeyPrincipal } from "../access/principal.ts";
import { getRecentPrincipal, publishEnd } from "../authentication/sessions/cache.ts";
import type { Context } from "../context.ts";
import { hashApiKey } from "../lib/api-key.ts";
import { MINUTE } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import { findApiKeyAuthority, touchApiKey } from "./repository.ts";

/** How often the use of a key is noted. */
const TOUCH_INTERVAL_MS = MINUTE;

/** KV key of what is known of an API key. */
const keyOf = (secretHash: string) => `api-key:${secretHash}`;

/** For whom a key stands: as D1 says now, or as it said within the last minute. Null for a text that is no live key. A mistyped one asks nobody. */
export async function getKeyPrincipal(
  ctx: Context,
  text: string,
  certainty: "exact" | "recent",
): Promise<KeyPrincipal | null> {
  const secretHash = await hashApiKey(text);
  if (!secretHash) return null;
  const load = () => loadPrincipal(ctx, secretHash);
  const principal =
    certainty === "exact" ? await load() : await getRecentPrincipal(ctx, keyOf(secretHash), load);
  return principal?.type === "api_key" ? principal : null;
}

/** Publishes that secrets are of no use any more. */
export function publishKeysEnded(ctx: Context, ended: readonly { secretHash: string }[]): void {
  for (const { secretHash } of ended) publishEnd(ctx, keyOf(secretHash));
}

async function loadPrincipal(
  ctx: Context,
  secretHash: string,
): Promise<KeyPrincipal | null | undefined> {
  const now = ctx.now();
  const [row] = await findApiKeyAuthority(ctx.db, secretHash);
  if (!row) return undefined;
  const isLive =
    row.revokedAt === null &&
    (row.expiresAt === null || row.expiresAt > now) &&
    row.isActive &&
    row.deletedAt === null;
  if (!isLive) return null;
  const since = now - TOUCH_INTERVAL_MS;
  if (row.lastUsedAt === null || row.lastUsedAt <= since) touch(ctx, row.keyId, since);
  const permissions = row.permissions.filter((held) => row.scopes.includes(held));
  const { keyId, userId, role, dataKey } = row;
  return { type: "api_key", keyId, userId, role, permissions, dataKey };
}

function touch(ctx: Context, keyId: string, since: number): void {
  const write = touchApiKey(ctx.db, keyId, ctx.now(), since).then(undefined, (error: unknown) => {
    ctx.log("warn", "api_key.touch_failed", describeError(error));
  });
  ctx.waitUntil(write);
}
