import type { Context as HonoContext, MiddlewareHandler } from "hono";
import type { RateLimit } from "../config.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { toSubscriber } from "../lib/address.ts";
import { toBase64Url, utf8 } from "../lib/bytes.ts";
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
  read: { by: "actor", needsStore: false },
  write: { by: "actor", needsStore: false },
} as const;

export type RateLimitPolicy = keyof typeof POLICIES;

/** KV takes one write a second a key. */
const SYNC_INTERVAL_MS = SECOND;

/**
 * Holds a caller to a policy (RateLimit fields, draft-ietf-httpapi-ratelimit-headers-10). Exact within an isolate; other isolates
 * are heard of through KV, which is told at most once a second a key and never of a caller who is over the limit.
 * Policies of authentication ask KV first and fail closed; the others count first and ask behind the response.
 */
export function rateLimit(policy: RateLimitPolicy): MiddlewareHandler<AppEnv> {
  const { by, needsStore } = POLICIES[policy];
  return async function rateLimit(c, next) {
    const { ctx } = c.var;
    const limit = ctx.config.rateLimits[policy];
    if (!limit) return next();
    const key = `rate:${policy}:${await callerOf(ctx, by)}`;
    const window = openWindow(ctx, key);
    if (needsStore && isDue(window.readAt, ctx.now())) await hearOfOthers(ctx, key, window);
    take(c, policy, limit, window);
    await next();
    ctx.waitUntil(tellOthers(ctx, key, limit, window));
  };
}

/** The policy of an operation that names none: by what its method does (RFC 9110 section 9.2.1). */
export function policyOfMethod(method: string): RateLimitPolicy {
  return method.toLowerCase() === "get" ? "read" : "write";
}

function openWindow(ctx: Context, key: string): SlidingWindow {
  const known = ctx.rateWindows.get(key, ctx.now());
  if (known) return known;
  const window = createSlidingWindow();
  ctx.rateWindows.set(key, window, ctx.now());
  return window;
}

function take(
  c: HonoContext<AppEnv>,
  policy: RateLimitPolicy,
  { limit, windowSeconds }: RateLimit,
  window: SlidingWindow,
): void {
  const now = c.var.ctx.now();
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

async function hearOfOthers(ctx: Context, key: string, window: SlidingWindow): Promise<void> {
  try {
    const stored = (await ctx.kv.get(key)) as [number, number][] | null;
    merge(window, new Map(stored ?? []));
    window.readAt = ctx.now();
  } catch (error) {
    ctx.log("error", "rate_limit.store_failed", describeError(error));
    throw new AppError("service_unavailable");
  }
}

async function tellOthers(
  ctx: Context,
  key: string,
  { windowSeconds }: RateLimit,
  window: SlidingWindow,
): Promise<void> {
  // A write that is still to come tells of this request, too.
  if (window.pending.size === 0 || window.writtenAt > ctx.now()) return;
  const writeAt = Math.max(ctx.now(), window.writtenAt + SYNC_INTERVAL_MS);
  window.writtenAt = writeAt;
  // Behind the response: what telling KV costs is not the response's.
  await scheduler.wait(writeAt - ctx.now());
  if (window.pending.size === 0) return;
  try {
    if (isDue(window.readAt, writeAt)) await hearOfOthers(ctx, key, window);
    const told = [...window.counts];
    window.pending.clear();
    await ctx.kv.put(key, told, windowSeconds);
  } catch (error) {
    ctx.log("warn", "rate_limit.write_failed", describeError(error));
  }
}

function isDue(last: number, now: number): boolean {
  return now - last >= SYNC_INTERVAL_MS;
}

async function callerOf(ctx: Context, by: "address" | "actor"): Promise<string> {
  const { actor } = ctx;
  if (by === "actor" && actor.type === "user") return `user:${actor.userId}`;
  if (by === "actor" && actor.type === "api_key") return `key:${actor.keyId}`;
  return `address:${await maskAddress(ctx)}`;
}

// KV keys hold no address: they are personal data.
async function maskAddress({ client, config }: Context): Promise<string> {
  const [key] = config.macKeys;
  if (!key) throw new Error("no MAC key");
  const subscriber = utf8(`roster rate limit v1\n${toSubscriber(client.ip ?? "unknown")}`);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, subscriber));
  return toBase64Url(mac.slice(0, 16));
}
