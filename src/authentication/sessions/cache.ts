import type { UserPrincipal } from "../../access/principal.ts";
import type { Context } from "../../context.ts";
import { MINUTE, SECOND } from "../../lib/time.ts";
import { describeError } from "../../platform/logger.ts";
import type { EndedSession } from "./repository.ts";

/** The session record in KV, for reads that do not ask D1. */
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

/** How long a record is kept that was restored from D1. */
const REPAIRED_TTL_SECONDS = 60;

/** A login or refresh this recent may still be writing its record. */
const IN_FLIGHT_MS = 10 * SECOND;

/**
 * The delays before each write of the end of a session. It is repeated if a write fails, or if a write in flight may overtake
 * it.
 */
const RETRY_DELAYS_MS = [0, 2 * SECOND, 5 * SECOND];

const toKey = (sessionId: string) => `session:${sessionId}`;

/**
 * Writes the record of a session that started or was refreshed, without delaying the response. It expires with the access
 * token.
 */
export function cacheSession(ctx: Context, principal: UserPrincipal): void {
  ctx.waitUntil(writeRecord(ctx, principal, ctx.config.accessToken.ttlSeconds));
}

/**
 * Restores the record of a session that has none in KV. The record lives for a minute, because the session may have ended since D1
 * was read.
 */
export function cacheRepairedSession(ctx: Context, principal: UserPrincipal): void {
  ctx.waitUntil(writeRecord(ctx, principal, REPAIRED_TTL_SECONDS));
}

/**
 * Records that sessions have ended, without delaying the response. This isolate knows at once, every location within a minute. The
 * records outlive the access tokens of the sessions.
 */
export function cacheEndedSessions(ctx: Context, ended: readonly EndedSession[]): void {
  for (const { id, rotatedAt } of ended) {
    ctx.memory.endedSessions.set(id, true, ctx.now());
    ctx.waitUntil(writeEnd(ctx, id, rotatedAt));
  }
}

/** The record of a session; undefined if KV has none or does not respond. */
export async function findCachedSession(
  ctx: Context,
  sessionId: string,
): Promise<CachedSession | undefined> {
  if (ctx.memory.endedSessions.get(sessionId, ctx.now())) {
    ctx.count("roster_introspections_total", { source: "memory" });
    return { ended: true };
  }
  try {
    const record = (await ctx.kv.get(toKey(sessionId))) as CachedSession | null;
    if (record) ctx.count("roster_introspections_total", { source: "kv" });
    return record ?? undefined;
  } catch (error) {
    ctx.log("warn", "session.cache_read_failed", describeError(error));
    return undefined;
  }
}

/** The session record of a live session. */
export function toRecord(principal: UserPrincipal): CachedSession {
  const { userId, username, role, permissions, expiresAt } = principal;
  return { ended: false, user_id: userId, username, role, permissions, expires_at: expiresAt };
}

async function writeRecord(
  ctx: Context,
  principal: UserPrincipal,
  ttlSeconds: number,
): Promise<void> {
  const { sessionId } = principal;
  if (ctx.memory.endedSessions.get(sessionId, ctx.now())) return;
  try {
    await ctx.kv.put(toKey(sessionId), toRecord(principal), ttlSeconds);
  } catch (error) {
    ctx.log("warn", "session.cache_write_failed", describeError(error));
  }
}

// KV accepts one write per second per key, and the last write to arrive wins.
async function writeEnd(ctx: Context, id: string, rotatedAt: number): Promise<void> {
  const mayBeOvertaken = rotatedAt > ctx.now() - IN_FLIGHT_MS;
  const ttlSeconds = ctx.config.accessToken.ttlSeconds + MINUTE / SECOND;
  for (const [attempt, delayMs] of RETRY_DELAYS_MS.entries()) {
    if (delayMs > 0) await scheduler.wait(delayMs);
    try {
      await ctx.kv.put(toKey(id), { ended: true }, ttlSeconds);
      if (!mayBeOvertaken || attempt > 0) return;
    } catch (error) {
      ctx.log("warn", "session.cache_end_failed", { session_id: id, ...describeError(error) });
    }
  }
}
