import { sql } from "drizzle-orm";
import { findCaller, toPrincipal } from "../../access/callers.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { type Context, momentOf } from "../../context.ts";
import { AppError } from "../../errors.ts";
import type { Person } from "../../lib/data-key.ts";
import { type RefreshTokenClaims, verifyRefreshToken } from "../../lib/refresh-token.ts";
import { SECOND } from "../../lib/time.ts";
import { cacheEndedSessions, cacheRefreshedSession } from "./cache.ts";
import { revokeSessions, rotateSession } from "./repository.ts";
import { issueTokens, type TokenSet } from "./tokens.ts";

/**
 * How long a retry with the previous token gets the same successor, so that a lost response does not cost the client its
 * session.
 */
const REFRESH_GRACE_MS = 30 * SECOND;

/**
 * Rotates a refresh token in one round trip to D1. Concurrent requests with the live token all get the same successor. The used
 * token gets that successor for 30 seconds. After that, using it ends the session and is audited (RFC 9700 section 4.14.2).
 * Throws `invalid_refresh_token`.
 */
export async function refreshSession(ctx: Context, refreshToken: string): Promise<TokenSet> {
  const claims = await verifyRefreshToken(refreshToken, ctx.config.macKeys);
  if (!claims) throw new AppError("invalid_refresh_token");
  const now = ctx.now();
  const { sessionId, generation } = claims;
  const { callers, rotated } = await ctx.d1.send({
    callers: findCaller(ctx.db, { type: "session", sessionId, userId: "" }),
    rotated: rotateSession({
      sessionId,
      generation,
      ...momentOf(ctx),
      idleMs: ctx.config.session.idleMs,
    }),
  });
  const [before] = callers;
  const [after] = rotated;
  const credential = { type: "session", sessionId, userId: before?.userId ?? "" } as const;
  const found = toPrincipal(before, credential, momentOf(ctx));
  if (found?.type !== "user" || !before) throw new AppError("invalid_refresh_token");
  if (!after && isReuse(claims, before, now)) {
    await endReusedSession(ctx, claims, { id: found.userId, dataKey: found.dataKey });
    throw new AppError("invalid_refresh_token");
  }
  const current = after ?? before;
  if (current.generation !== generation + 1) throw new AppError("invalid_refresh_token");
  const principal = { ...found, expiresAt: after?.expiresAt ?? found.expiresAt };
  if (after) cacheRefreshedSession(ctx, principal, before);
  return issueTokens(ctx, principal, current.generation);
}

// The previous token counts as reused after the grace period, and any older token at once.
function isReuse(
  { generation }: RefreshTokenClaims,
  rotation: { generation: number; rotatedAt: number },
  now: number,
): boolean {
  if (rotation.generation > generation + 1) return true;
  return rotation.generation === generation + 1 && rotation.rotatedAt <= now - REFRESH_GRACE_MS;
}

async function endReusedSession(
  ctx: Context,
  { sessionId }: RefreshTokenClaims,
  owner: Person,
): Promise<void> {
  ctx.log("warn", "session.reuse_detected", { session_id: sessionId });
  const ended = { reason: "reuse", now: ctx.now() } as const;
  const { changed } = await commit(ctx, {
    change: revokeSessions(ctx.db, { userId: owner.id, sessionId }, ended, sql`true`),
    event: await createAuditEvent(ctx, {
      action: "session.reuse_detected",
      targetType: "user",
      targetId: owner.id,
      metadata: { session_id: sessionId },
      origin: owner,
    }),
  });
  cacheEndedSessions(ctx, changed);
}
