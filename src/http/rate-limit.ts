import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { toSubscriber } from "../lib/address.ts";
import { computeMacText, firstKey } from "../lib/mac.ts";
import {
  createSlidingWindow,
  decrementWindow,
  incrementWindow,
  measureWindow,
  mergeCounts,
  type SlidingWindow,
} from "../lib/sliding-window.ts";
import { SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import type { RateLimit } from "../settings.ts";
import type { AppEnv } from "./app-env.ts";

/** By policy: whose requests are counted together, and whether they fail if KV does. The limits are settings. */
const POLICIES = {
  auth: { by: "address", needsStore: true },
  refresh: { by: "address", needsStore: true },
  read: { by: "caller", needsStore: false },
  write: { by: "caller", needsStore: false },
} as const;

export type RateLimitPolicy = keyof typeof POLICIES;

/** How many hex digits of an API key's hash identify the key. */
const KEY_HASH_DIGITS = 32;
const MASK_BYTES = 16;

/** KV accepts one write per second per key. */
const SYNC_INTERVAL_MS = SECOND;

/** Below this share of the limit, requests are counted in memory only. */
const SHARED_FROM = 1 / 5;

/**
 * Limits requests by a policy and sets the RateLimit headers (draft-ietf-httpapi-ratelimit-headers-10). Counts are exact within an
 * isolate. Once a fifth of the limit is used, isolates share their counts through KV, which is written at most once per second per
 * key, and never for a caller who is over the limit. The policies `auth` and `refresh` read KV before they count, and fail closed;
 * `read` and `write` read it after the response. Throws `rate_limited`, `service_unavailable`.
 */
export function rateLimit(policy: RateLimitPolicy): MiddlewareHandler<AppEnv> {
  const { by, needsStore } = POLICIES[policy];
  return async function rateLimit(c, next) {
    // Undefined while the configuration is invalid. Then only /ready gets here, and there are no limits.
    const ctx = c.get("ctx") as Context | undefined;
    if (!ctx) return next();
    const limit = ctx.config.rateLimits[policy];
    if (!limit) return next();
    const keys = (await identifyCallers(ctx, by)).map((caller) => `rate:${policy}:${caller}`);
    for (const key of keys) {
      const window = openWindow(ctx, key);
      if (needsStore && isShared(ctx, limit, window) && isDue(window.readAt, ctx.now())) {
        await requireSharedCounts(ctx, key, window);
      }
      countRequest(c, policy, limit, window);
    }
    await next();
    for (const key of refundAddress(ctx, limit, keys)) {
      const window = openWindow(ctx, key);
      if (isShared(ctx, limit, window)) ctx.waitUntil(writeSharedCounts(ctx, key, limit, window));
    }
  };
}

// A key that D1 has confirmed in the meantime is only counted by itself: the count of its address is undone.
function refundAddress(ctx: Context, { windowSeconds }: RateLimit, keys: string[]): string[] {
  const [address, ...others] = keys;
  if (address === undefined || others.length === 0 || !isConfirmedKey(ctx)) return keys;
  decrementWindow(openWindow(ctx, address), windowSeconds * SECOND, ctx.now());
  return others;
}

/** The default policy of an operation: `read` for safe methods, `write` for all others (RFC 9110 section 9.2.1). */
export function policyOfMethod(method: string): RateLimitPolicy {
  return method.toLowerCase() === "get" ? "read" : "write";
}

function openWindow(ctx: Context, key: string): SlidingWindow {
  const known = ctx.memory.rateWindows.get(key, ctx.now());
  if (known) return known;
  const window = createSlidingWindow();
  ctx.memory.rateWindows.set(key, window, ctx.now());
  return window;
}

function countRequest(
  c: HonoContext<AppEnv>,
  policy: RateLimitPolicy,
  { limit, windowSeconds }: RateLimit,
  window: SlidingWindow,
): void {
  const now = c.get("ctx").now();
  const windowMs = windowSeconds * SECOND;
  const isOver = measureWindow(window, windowMs, now).used >= limit;
  if (!isOver) incrementWindow(window, windowMs, now);
  const { used, resetMs } = measureWindow(window, windowMs, now);
  const resetSeconds = Math.max(1, Math.ceil(resetMs / SECOND));
  c.header("RateLimit-Policy", `"${policy}";q=${limit};w=${windowSeconds}`);
  c.header("RateLimit", `"${policy}";r=${Math.max(0, limit - used)};t=${resetSeconds}`);
  if (isOver) {
    c.get("ctx").count("roster_rate_limited_total", { policy });
    throw new AppError("rate_limited", { headers: { "Retry-After": String(resetSeconds) } });
  }
}

async function readSharedCounts(ctx: Context, key: string, window: SlidingWindow): Promise<void> {
  const stored = (await ctx.kv.get(key)) as [number, number][] | null;
  mergeCounts(window, new Map(stored ?? []));
  window.readAt = ctx.now();
}

async function requireSharedCounts(
  ctx: Context,
  key: string,
  window: SlidingWindow,
): Promise<void> {
  try {
    await readSharedCounts(ctx, key, window);
  } catch (error) {
    ctx.log("error", "rate_limit.store_failed", describeError(error));
    throw new AppError("service_unavailable");
  }
}

async function writeSharedCounts(
  ctx: Context,
  key: string,
  { windowSeconds }: RateLimit,
  window: SlidingWindow,
): Promise<void> {
  // A write that is already scheduled includes this request.
  if (window.pending.size === 0 || window.writtenAt > ctx.now()) return;
  const writeAt = Math.max(ctx.now(), window.writtenAt + SYNC_INTERVAL_MS);
  window.writtenAt = writeAt;
  // This runs after the response and does not delay it.
  await scheduler.wait(writeAt - ctx.now());
  if (window.pending.size === 0) return;
  try {
    if (isDue(window.readAt, writeAt)) await readSharedCounts(ctx, key, window);
    const counts = [...window.counts];
    window.pending.clear();
    await ctx.kv.put(key, counts, windowSeconds);
  } catch (error) {
    ctx.log("warn", "rate_limit.write_failed", describeError(error));
  }
}

function isShared(
  ctx: Context,
  { limit, windowSeconds }: RateLimit,
  window: SlidingWindow,
): boolean {
  return measureWindow(window, windowSeconds * SECOND, ctx.now()).used >= limit * SHARED_FROM;
}

function isDue(last: number, now: number): boolean {
  return now - last >= SYNC_INTERVAL_MS;
}

/** Moves the counts of a rotated API key to its new secret, so that rotation does not reset its limits. Best effort. */
export async function moveKeyLimits(ctx: Context, from: string, to: string): Promise<void> {
  for (const policy of ["read", "write"] as const) {
    const limit = ctx.config.rateLimits[policy];
    if (!limit) continue;
    const window = openWindow(ctx, toKeyName(policy, from));
    await readSharedCounts(ctx, toKeyName(policy, from), window);
    ctx.memory.rateWindows.set(toKeyName(policy, to), window, ctx.now());
    if (!isShared(ctx, limit, window)) continue;
    await ctx.kv.put(toKeyName(policy, to), [...window.counts], limit.windowSeconds);
  }
}

function toKeyName(policy: RateLimitPolicy, secretHash: string): string {
  return `rate:${policy}:key:${secretHash.slice(0, KEY_HASH_DIGITS)}`;
}

// Anyone can make up an API key with a valid checksum. Until D1 has confirmed a key, its address is counted as well, so that
// made-up keys reach D1 no more often than their address may.
async function identifyCallers(ctx: Context, by: "address" | "caller"): Promise<string[]> {
  const credential = ctx.access?.credential;
  if (by === "caller" && credential?.type === "session") return [`user:${credential.userId}`];
  const address = `address:${await maskAddress(ctx)}`;
  if (by === "address" || credential?.type !== "api_key") return [address];
  const { secretHash } = credential;
  const key = `key:${secretHash.slice(0, KEY_HASH_DIGITS)}`;
  return isConfirmedKey(ctx) ? [key] : [address, key];
}

function isConfirmedKey({ access, memory, now }: Context): boolean {
  const credential = access?.credential;
  return (
    credential?.type === "api_key" &&
    memory.confirmedKeys.get(credential.secretHash, now()) === true
  );
}

// Addresses are personal data, so KV keys contain a MAC of them.
async function maskAddress({ client, config }: Context): Promise<string> {
  const subscriber = toSubscriber(client.ip ?? "unknown");
  return computeMacText(firstKey(config.macKeys), "rate limit v1", subscriber, MASK_BYTES);
}
