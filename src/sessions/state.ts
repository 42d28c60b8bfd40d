import type { Authority, Context, SessionState } from "../context.ts";
import { MINUTE, SECOND } from "../lib/time.ts";
import { describeError } from "../platform/logger.ts";
import { findSessionAuthority, type SessionAuthorityRow } from "./repository.ts";

/** How long what D1 said of a session may be relied on where a minute does not matter. */
const FRESH_MS = MINUTE;

/** KV key of what is known of a session. */
const keyOf = (sessionId: string) => `session:${sessionId}`;

/**
 * What is known of a session: from this isolate's memory or from KV when D1 was asked within the last minute, else from D1,
 * and KV is told. That a session has ended never grows old. A failing KV costs a query and nothing else.
 */
export async function getRecentSessionState(
  ctx: Context,
  sessionId: string,
): Promise<SessionState> {
  const known = ctx.sessionCache.get(sessionId, ctx.now()) ?? (await readKv(ctx, sessionId));
  if (known && isUsable(known, ctx.now())) {
    ctx.sessionCache.set(sessionId, known, ctx.now());
    return known;
  }
  const state = await getExactSessionState(ctx, sessionId);
  publish(ctx, sessionId, state);
  return state;
}

/** What D1 says of a session and its user now. */
export async function getExactSessionState(ctx: Context, sessionId: string): Promise<SessionState> {
  const checkedAt = ctx.now();
  const [row] = await findSessionAuthority(ctx.db, sessionId);
  return { authority: toAuthority(row, checkedAt), checkedAt };
}

/** Whom a session stands for, or null when it or its user is of no use any more. */
export function toAuthority(row: SessionAuthorityRow | undefined, now: number): Authority | null {
  const isLive =
    row?.revokedAt === null && row.expiresAt > now && row.isActive && row.deletedAt === null;
  if (!isLive) return null;
  const { sessionId, userId, role, permissions } = row;
  return { sessionId, userId, role, permissions };
}

/** Tells memory and KV, behind the response, what D1 has just said of a session. */
export function publish(ctx: Context, sessionId: string, state: SessionState): void {
  ctx.sessionCache.set(sessionId, state, ctx.now());
  // An access token is what a tombstone must outlive: after that nothing asks for the session any more.
  const ttlSeconds = state.authority ? FRESH_MS / SECOND : ctx.config.accessToken.ttlSeconds;
  const write = ctx.kv.put(keyOf(sessionId), state, ttlSeconds).catch((error: unknown) => {
    ctx.log("warn", "kv.session_write_failed", describeError(error));
  });
  ctx.waitUntil(write);
}

/** Publishes that sessions have ended. */
export function publishEnded(ctx: Context, ended: readonly { id: string }[]): void {
  for (const { id } of ended) publish(ctx, id, { authority: null, checkedAt: ctx.now() });
}

async function readKv(ctx: Context, sessionId: string): Promise<SessionState | undefined> {
  try {
    return ((await ctx.kv.get(keyOf(sessionId))) as SessionState | null) ?? undefined;
  } catch (error) {
    ctx.log("warn", "kv.session_read_failed", describeError(error));
    return undefined;
  }
}

function isUsable(state: SessionState, now: number): boolean {
  return state.authority === null || state.checkedAt > now - FRESH_MS;
}
