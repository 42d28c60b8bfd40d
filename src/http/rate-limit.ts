import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { RateLimit } from "../config.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { toSubscriber } from "../lib/address.ts";
import { firstKey, macText } from "../lib/mac.ts";
import {
  createSlidingWindow,
  increment,
  measure,
  merge,
  type SlidingWindow,
} from "../lib/sliding-window.ts";
import { SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import type { AppEnv } from "./app-env.ts";

/** Who counts and what a failing store means, by policy. Limits are settings. */
const POLICIES = {
  auth: { by: "address", needsStore: true },
  refresh: { by: "address", needsStore: true },
  read: { by: "caller", needsStore: false },
  write: { by: "caller", needsStore: false },
} as const;

export type RateLimitPolicy = keyof typeof POLICIES;

/** How much of a key's hash tells it from others. */
const KEY_DIGITS = 32;
const MASK_BYTES = 16;

/** KV takes one write per second per key. */
const SYNC_INTERVAL_MS = SECOND;

/** Below this share of the limit a caller is counted in memory alone. */
const SHARED_FROM = 1 / 5;

/**
 * Holds a caller to a policy (RateLimit fields, draft-ietf-httpapi-ratelimit-headers-10). Exact within an isolate. From a fifth
 * of the limit on, isolates share their counts through KV, which is written at most once per second per key and never for a
 * caller who is over the limit. Policies of authentication read KV first and fail closed; the others count first and read it
 * after the response.
 */
export function rateLimit(policy: RateLimitPolicy): MiddlewareHandler<AppEnv> {
  const { by, needsStore } = POLICIES[policy];
  return async function rateLimit(c, next) {
    const ctx = c.get("ctx");
    const limit = ctx.config.rateLimits[policy];
    if (!limit) return next();
    const key = `rate:${policy}:${await callerOf(ctx, by)}`;
    const window = openWindow(ctx, key);
    if (needsStore && isShared(ctx, limit, window) && isDue(window.readAt, ctx.now())) {
      await requireOthers(ctx, key, window);
    }
    take(c, policy, limit, window);
    await next();
    if (isShared(ctx, limit, window)) ctx.waitUntil(writeOwn(ctx, key, limit, window));
  };
}

/** The policy of an operation that names none: by what its method does (RFC 9110 section 9.2.1). */
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

function take(
  c: HonoContext<AppEnv>,
  policy: RateLimitPolicy,
  { limit, windowSeconds }: RateLimit,
  window: SlidingWindow,
): void {
  const now = c.get("ctx").now();
  const windowMs = windowSeconds * SECOND;
  const isOver = measure(window, windowMs, now).used >= limit;
  if (!isOver) increment(window, windowMs, now);
  const { used, resetMs } = measure(window, windowMs, now);
  const resetSeconds = Math.max(1, Math.ceil(resetMs / SECOND));
  c.header("RateLimit-Policy", `"${policy}";q=${limit};w=${windowSeconds}`);
  c.header("RateLimit", `"${policy}";r=${Math.max(0, limit - used)};t=${resetSeconds}`);
  if (isOver) {
    throw new AppError("rate_limited", { headers: { "Retry-After": String(resetSeconds) } });
  }
}

async function readOthers(ctx: Context, key: string, window: SlidingWindow): Promise<void> {
  const stored = (await ctx.kv.get(key)) as [number, number][] | null;
  merge(window, new Map(stored ?? []));
  window.readAt = ctx.now();
}

async function requireOthers(ctx: Context, key: string, window: SlidingWindow): Promise<void> {
  try {
    await readOthers(ctx, key, window);
  } catch (error) {
    ctx.log("error", "rate_limit.store_failed", describeError(error));
    throw new AppError("service_unavailable");
  }
}

async function writeOwn(
  ctx: Context,
  key: string,
  { windowSeconds }: RateLimit,
  window: SlidingWindow,
): Promise<void> {
  // A write that is already scheduled includes this request.
  if (window.pending.size === 0 || window.writtenAt > ctx.now()) return;
  const writeAt = Math.max(ctx.now(), window.writtenAt + SYNC_INTERVAL_MS);
  window.writtenAt = writeAt;
  // After the response: what writing to KV costs is not the response's.
  await scheduler.wait(writeAt - ctx.now());
  if (window.pending.size === 0) return;
  try {
    if (isDue(window.readAt, writeAt)) await readOthers(ctx, key, window);
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
  return measure(window, windowSeconds * SECOND, ctx.now()).used >= limit * SHARED_FROM;
}

function isDue(last: number, now: number): boolean {
  return now - last >= SYNC_INTERVAL_MS;
}

/** Lets a rotated API key go on with what it has used: a new secret starts no new limit. Best effort, as all counting is. */
export async function moveKeyLimits(ctx: Context, from: string, to: string): Promise<void> {
  for (const policy of ["read", "write"] as const) {
    const limit = ctx.config.rateLimits[policy];
    if (!limit) continue;
    const window = openWindow(ctx, keyName(policy, from));
    await readOthers(ctx, keyName(policy, from), window);
    ctx.memory.rateWindows.set(keyName(policy, to), window, ctx.now());
    if (!isShared(ctx, limit, window)) continue;
    await ctx.kv.put(keyName(policy, to), [...window.counts], limit.windowSeconds);
  }
}

function keyName(policy: RateLimitPolicy, secretHash: string): string {
  return `rate:${policy}:key:${secretHash.slice(0, KEY_DIGITS)}`;
}

async function callerOf(ctx: Context, by: "address" | "caller"): Promise<string> {
  const credential = ctx.access?.credential;
  if (by === "caller" && credential?.type === "session") return `user:${credential.userId}`;
  if (by === "caller" && credential?.type === "api_key")
    return `key:${credential.secretHash.slice(0, KEY_DIGITS)}`;
  return `address:${await maskAddress(ctx)}`;
}

// KV keys hold no address: they are personal data.
async function maskAddress({ client, config }: Context): Promise<string> {
  const subscriber = toSubscriber(client.ip ?? "unknown");
  return macText(firstKey(config.macKeys), "rate limit v1", subscriber, MASK_BYTES);
}
