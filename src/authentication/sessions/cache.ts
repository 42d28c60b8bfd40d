import type { CallerRow } from "../../access/callers.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { afterResponse, type Context } from "../../context.ts";
import type { VerifiedAccessToken } from "../../lib/access-token.ts";
import { DAY, MINUTE, SECOND } from "../../lib/time.ts";
import { describeError } from "../../platform/logger.ts";
import { readLiveSession } from "./live.ts";
import type { EndedSession } from "./repository.ts";

/** The session record in KV, for reads that do not ask D1. */
type CachedSession =
  | { ended: true }
  | {
      ended: false;
      user_id: string;
      username: string;
      role: string;
      permissions: readonly string[];
      /** When the request began that read D1, in milliseconds. Records of earlier releases have none. */
      recorded_at?: number;
      /** Until when the record can be used, in milliseconds. */
      expires_at: number;
    };

/** Refreshes write the record of a session once per period, counted from its start. */
const RECORD_PERIOD_MS = DAY;

/** How long a record is kept that may be wrong. KV accepts no shorter time. */
const UNCONFIRMED_MS = MINUTE;

/** A login or refresh this recent may still be writing its record. */
const IN_FLIGHT_MS = 10 * SECOND;

/**
 * The delays before each write of the end of a session. It is repeated if a write fails, or if a write in flight may overtake
 * it.
 */
const RETRY_DELAYS_MS = [0, 2 * SECOND, 5 * SECOND];

const toKey = (sessionId: string) => `session:${sessionId}`;

/** Writes the record of a session that started, without delaying the response. It outlives every token of the current period. */
export function cacheSession(ctx: Context, principal: UserPrincipal): void {
  ctx.waitUntil(writeRecord(ctx, principal, lifetimeOf(ctx)));
}

/**
 * Writes the record of a session that was refreshed, as `cacheSession` does, if it is the first refresh of a period, or if the user or
 * the role has changed. Otherwise KV has a current record, which outlives the new token. After a change, all refreshes within two
 * lifetimes of an access token write the record, so that the next one makes up for a write that was lost. `before` is the session as it
 * was before the refresh.
 */
export function cacheRefreshedSession(
  ctx: Context,
  principal: UserPrincipal,
  before: Pick<CallerRow, "beganAt" | "rotatedAt" | "updatedAt" | "roleUpdatedAt">,
): void {
  const { beganAt, rotatedAt, updatedAt, roleUpdatedAt } = before;
  const periodAt = (time: number) => Math.floor((time - beganAt) / RECORD_PERIOD_MS);
  const isFirst = periodAt(ctx.now()) !== periodAt(rotatedAt);
  const changesSince = rotatedAt - 2 * ctx.config.accessToken.ttlSeconds * SECOND;
  const hasChanged = Math.max(updatedAt, roleUpdatedAt) > changesSince;
  if (isFirst || hasChanged) cacheSession(ctx, principal);
}

/**
 * Writes the record of a session that has none in KV, or an outdated one, after the response and at most once per minute and isolate.
 * Then it checks whether the session has ended meanwhile, because the record of its end may have come first.
 */
export function repairCachedSession(ctx: Context, principal: UserPrincipal): void {
  const { repairedSessions } = ctx.memory;
  if (repairedSessions.get(principal.sessionId, ctx.now())) return;
  repairedSessions.set(principal.sessionId, true, ctx.now());
  afterResponse(ctx, async () => {
    await writeRecord(ctx, principal, lifetimeOf(ctx));
    // Even if KV did not accept it: the response of a write that took effect may be lost.
    await confirmRecord(ctx, principal);
  });
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

/** The record of the session of a token: undefined if KV has none that is as recent as the token, null if KV does not respond. */
export async function findCachedSession(
  ctx: Context,
  claims: VerifiedAccessToken,
): Promise<CachedSession | undefined | null> {
  const { sessionId } = claims;
  if (ctx.memory.endedSessions.get(sessionId, ctx.now())) {
    ctx.count("roster_introspections_total", { source: "memory" });
    return { ended: true };
  }
  try {
    const record = (await ctx.kv.get(toKey(sessionId))) as CachedSession | null;
    if (!record || isOutdated(record, claims, ctx.now())) return undefined;
    ctx.count("roster_introspections_total", { source: "kv" });
    return record;
  } catch (error) {
    ctx.log("warn", "session.cache_read_failed", describeError(error));
    return null;
  }
}

// If a newer token has another role or scope than the record, they have changed, and KV does not show that here yet.
function isOutdated(record: CachedSession, claims: VerifiedAccessToken, now: number): boolean {
  if (record.ended) return false;
  if (record.expires_at <= now) return true;
  const { role, permissions, recorded_at = 0 } = record;
  if ((claims.issuedAt + 1) * SECOND <= recorded_at) return false;
  return role !== claims.role || permissions.join(" ") !== claims.scope;
}

function lifetimeOf({ config }: Context): number {
  return RECORD_PERIOD_MS + config.accessToken.ttlSeconds * SECOND;
}

function toRecord(
  { userId, username, role, permissions }: UserPrincipal,
  times: { recorded_at: number; expires_at: number },
): CachedSession {
  return { ended: false, user_id: userId, username, role, permissions, ...times };
}

// If D1 does not respond, the record is replaced by one that expires soon: KV accepts one write per second per key.
async function confirmRecord(ctx: Context, principal: UserPrincipal): Promise<void> {
  try {
    if (await readLiveSession(ctx, principal)) return;
    cacheEndedSessions(ctx, [{ id: principal.sessionId, rotatedAt: ctx.now() }]);
  } catch (error) {
    ctx.log("warn", "session.cache_confirm_failed", describeError(error));
    await scheduler.wait(2 * SECOND);
    await writeRecord(ctx, principal, UNCONFIRMED_MS);
  }
}

async function writeRecord(
  ctx: Context,
  principal: UserPrincipal,
  lifetimeMs: number,
): Promise<void> {
  const { sessionId } = principal;
  const now = ctx.now();
  if (ctx.memory.endedSessions.get(sessionId, now)) return;
  const record = toRecord(principal, { recorded_at: now, expires_at: now + lifetimeMs });
  try {
    await ctx.kv.put(toKey(sessionId), record, lifetimeMs / SECOND);
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
