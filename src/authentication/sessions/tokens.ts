import type { z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import type { UserPrincipal } from "../../access/principal.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { ifChanged, insertAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { mintAccessToken } from "../../lib/access-token.ts";
import type { Person } from "../../lib/data-key.ts";
import { newId } from "../../lib/ids.ts";
import {
  mintRefreshToken,
  type RefreshTokenClaims,
  verifyRefreshToken,
} from "../../lib/refresh-token.ts";
import { SECOND } from "../../lib/time.ts";
import { publishEnded, publishSession, toPrincipal } from "./principal.ts";
import {
  findSessionAuthority,
  type NewSession,
  revokeSessions,
  rotateSession,
} from "./repository.ts";
import type { Tokens } from "./schema.ts";

type TokenSet = z.infer<typeof Tokens>;

/** How long a retry with the token just spent gets the same successor: a lost answer costs nobody their login. */
const REFRESH_GRACE_MS = 30 * SECOND;

/** The row of a session that begins now. */
export function newSession(ctx: Context, userId: string): NewSession {
  const now = ctx.now();
  const endsAt = now + ctx.config.session.maxMs;
  return {
    id: newId(),
    userId,
    createdAt: now,
    lastUsedAt: now,
    rotatedAt: now,
    expiresAt: Math.min(now + ctx.config.session.idleMs, endsAt),
    endsAt,
    ...ctx.client,
  };
}

/** Tokens for a generation of a session. None outlives it, for services that check access tokens by themselves. */
export async function issueTokens(
  ctx: Context,
  principal: UserPrincipal,
  session: { generation: number; expiresAt: number },
): Promise<TokenSet> {
  const { accessToken, signingKeys, macKeys } = ctx.config;
  const now = ctx.now();
  const secondsLeft = Math.floor((session.expiresAt - now) / SECOND);
  const ttlSeconds = Math.min(accessToken.ttlSeconds, secondsLeft);
  const claims = { sessionId: principal.sessionId, generation: session.generation };
  return {
    access_token: await mintAccessToken(
      principal,
      signingKeys,
      { ...accessToken, ttlSeconds },
      now,
    ),
    refresh_token: await mintRefreshToken(claims, macKeys),
    token_type: "Bearer",
    expires_in: ttlSeconds,
    refresh_expires_in: secondsLeft,
  };
}

/**
 * Rotates a refresh token in one round trip to D1. Of N who present the live token at once all get the same successor;
 * a spent one is good for that successor for 30 seconds and ends the session afterwards, audited (RFC 9700 section 4.14.2).
 * Throws `invalid_refresh_token`.
 */
export async function refreshSession(ctx: Context, refreshToken: string): Promise<TokenSet> {
  const claims = await verifyRefreshToken(refreshToken, ctx.config.macKeys);
  if (!claims) throw new AppError("invalid_refresh_token");
  const now = ctx.now();
  const [rotated, [session]] = await ctx.db.batch([
    rotateSession(ctx.db, { ...claims, now, idleMs: ctx.config.session.idleMs }),
    findSessionAuthority(ctx.db, claims.sessionId),
  ]);
  const principal = toPrincipal(session, now);
  if (!principal || !session) throw new AppError("invalid_refresh_token");
  if (rotated.length === 0 && isReuse(claims, session, now)) {
    await endReusedSession(ctx, claims, { id: principal.userId, dataKey: principal.dataKey });
    throw new AppError("invalid_refresh_token");
  }
  if (session.generation !== claims.generation + 1) throw new AppError("invalid_refresh_token");
  if (rotated.length > 0) publishSession(ctx, principal);
  return issueTokens(ctx, principal, session);
}

// A spent token at any time, the one just spent after the grace.
function isReuse(
  { generation }: RefreshTokenClaims,
  session: { generation: number; rotatedAt: number },
  now: number,
): boolean {
  if (session.generation > generation + 1) return true;
  return session.generation === generation + 1 && session.rotatedAt <= now - REFRESH_GRACE_MS;
}

async function endReusedSession(
  ctx: Context,
  { sessionId }: RefreshTokenClaims,
  owner: Person,
): Promise<void> {
  ctx.log("warn", "session.reuse_detected", { session_id: sessionId });
  const event = await createAuditEvent(ctx, {
    action: "session.reuse_detected",
    targetType: "user",
    targetId: owner.id,
    changes: { session_id: { from: sessionId, to: null } },
    origin: owner,
  });
  const [ended] = await ctx.db.batch([
    revokeSessions(
      ctx.db,
      { userId: owner.id, sessionId },
      { reason: "reuse", now: ctx.now() },
      sql`true`,
    ),
    insertAuditEvent(ctx.db, event, ifChanged),
  ]);
  publishEnded(ctx, ended);
}
