import type { MiddlewareHandler } from "hono";
import type { Context } from "../context.ts";
import type { AppEnv } from "../http/app-env.ts";
import { MINUTE, SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";

/** The KV key of the revocation epoch, a time in ISO 8601 as a JSON text. It is written by `npm run backup` and never expires. */
const REVOCATION_KEY = "revoked_before";

/** How long an isolate relies on what it has read. */
const FRESH_MS = MINUTE;
/** How soon it asks again after a failure. */
const RETRY_MS = 5 * SECOND;

/**
 * The revocation epoch in milliseconds: sessions, API keys, one-time tokens and stored answers from before it are void, and queued
 * emails are not sent. It is the later of `REVOKED_BEFORE` and the value in KV, both of which survive a restore of the database.
 * KV is read once per minute and isolate. If that fails, what is known counts. A time in the future does not count yet.
 */
export async function findRevokedBefore(ctx: Context): Promise<number> {
  const { revocation } = ctx.memory;
  const now = ctx.now();
  if (revocation.refreshAt <= now) {
    // Requests that arrive in the meantime rely on what is known, except in a new isolate, which knows nothing.
    if (revocation.refreshAt > 0) revocation.refreshAt = now + RETRY_MS;
    await refresh(ctx);
  }
  const stored = revocation.before <= now ? revocation.before : 0;
  return Math.max(ctx.config.revokedBefore, stored);
}

/** Provides services with the revocation epoch. */
export const loadRevocation: MiddlewareHandler<AppEnv> = async function loadRevocation(c, next) {
  const ctx = c.get("ctx");
  c.set("ctx", { ...ctx, revokedBefore: await findRevokedBefore(ctx) });
  return next();
};

async function refresh(ctx: Context): Promise<void> {
  const { revocation } = ctx.memory;
  const now = ctx.now();
  try {
    const value = await ctx.kv.get(REVOCATION_KEY);
    revocation.before = value === null ? 0 : parseTime(value);
    revocation.refreshAt = now + FRESH_MS;
  } catch (error) {
    revocation.refreshAt = now + RETRY_MS;
    ctx.log("error", "revocation.read_failed", describeError(error));
  }
}

function parseTime(value: unknown): number {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw new TypeError("revoked_before is not a time");
  return time;
}
