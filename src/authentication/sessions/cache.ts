import type { UserPrincipal } from "../../access/principal.ts";
import type { Context } from "../../context.ts";
import { MINUTE, SECOND } from "../../lib/time.ts";
import { describeError } from "../../platform/logger.ts";
import type { EndedSession } from "./repository.ts";

/** What KV holds of a session, for whoever asks without D1. */
export type CachedSession =
  | { ended: true }
  | {
      ended: false;
      user_id: string;
      username: string;
      role: string;
      permissions: readonly string[];
      /** When the session ends unless it is refreshed, in milliseconds. */
      expires_at: number;
    };

/** How long a record is kept that was read from D1, and not written by whoever changed the session. */
const REPAIRED_TTL_SECONDS = 60;

/** A login or refresh this recent may still be writing its record. */
const IN_FLIGHT_MS = 10 * SECOND;

/** When the end of a session is written: again if the first write fails, or may be overtaken by a record in flight. */
const RETRY_DELAYS_MS = [0, 2 * SECOND, 5 * SECOND];

const keyOf = (sessionId: string) => `session:${sessionId}`;

/** Writes the record of a session that began or was refreshed, after the response. It lives as long as an access token. */
export function cacheSession(ctx: Context, principal: UserPrincipal): void {
  ctx.waitUntil(write(ctx, principal, ctx.config.accessToken.ttlSeconds));
}

/**
 * Writes the record of a session that KV had none of. It lives for a minute, because the session may have ended since D1 was
 * read.
 */
export function cacheRepairedSession(ctx: Context, principal: UserPrincipal): void {
  ctx.waitUntil(write(ctx, principal, REPAIRED_TTL_SECONDS));
}

/**
 * Writes that sessions have ended, after the response: this isolate knows at once, every location within a minute. Kept for as
 * long as an access token of theirs may come.
 */
export function cacheEndedSessions(ctx: Context, ended: readonly EndedSession[]): void {
  for (const { id, rotatedAt } of ended) {
    ctx.memory.endedSessions.set(id, true, ctx.now());
    ctx.waitUntil(writeEnd(ctx, id, rotatedAt));
  }
}

/** The record of a session; undefined when KV has none or does not answer. */
export async function findCachedSession(
  ctx: Context,
  sessionId: string,
): Promise<CachedSession | undefined> {
  if (ctx.memory.endedSessions.get(sessionId, ctx.now())) return { ended: true };
  try {
    return ((await ctx.kv.get(keyOf(sessionId))) as CachedSession | null) ?? undefined;
  } catch (error) {
    ctx.log("warn", "session.cache_read_failed", describeError(error));
    return undefined;
  }
}

async function write(ctx: Context, principal: UserPrincipal, ttlSeconds: number): Promise<void> {
  const { sessionId, userId, username, role, permissions, expiresAt } = principal;
  if (ctx.memory.endedSessions.get(sessionId, ctx.now())) return;
  const record: CachedSession = {
    ended: false,
    user_id: userId,
    username,
    role,
    permissions,
    expires_at: expiresAt,
  };
  try {
    await ctx.kv.put(keyOf(sessionId), record, ttlSeconds);
  } catch (error) {
    ctx.log("warn", "session.cache_write_failed", describeError(error));
  }
}

// KV takes one write per second per key and keeps the last one that arrives.
async function writeEnd(ctx: Context, id: string, rotatedAt: number): Promise<void> {
  const mayBeOvertaken = rotatedAt > ctx.now() - IN_FLIGHT_MS;
  const ttlSeconds = ctx.config.accessToken.ttlSeconds + MINUTE / SECOND;
  for (const [attempt, delayMs] of RETRY_DELAYS_MS.entries()) {
    if (delayMs > 0) await scheduler.wait(delayMs);
    try {
      await ctx.kv.put(keyOf(id), { ended: true }, ttlSeconds);
      if (!mayBeOvertaken || attempt > 0) return;
    } catch (error) {
      ctx.log("warn", "session.cache_end_failed", { session_id: id, ...describeError(error) });
    }
  }
}
