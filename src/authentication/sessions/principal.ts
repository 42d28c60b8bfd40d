import type { UserPrincipal } from "../../access/principal.ts";
import type { Context } from "../../context.ts";
import { getRecentPrincipal, publishEnd, publishPrincipal } from "./cache.ts";
import { findSessionAuthority, type SessionAuthorityRow } from "./repository.ts";

/** KV key of what is known of a session. */
const keyOf = (sessionId: string) => `session:${sessionId}`;

/** For whom a session stands, as D1 says now; null when it or its user is of no use. */
export async function getExactSessionPrincipal(
  ctx: Context,
  sessionId: string,
): Promise<UserPrincipal | null> {
  const [row] = await findSessionAuthority(ctx.db, sessionId);
  return toPrincipal(row, ctx.now());
}

/** The same as it was within the last minute. */
export async function getRecentSessionPrincipal(ctx: Context, sessionId: string) {
  return getRecentPrincipal(ctx, keyOf(sessionId), () => getExactSessionPrincipal(ctx, sessionId));
}

/** Whom a session stands for, or null when it or its user is of no use any more. */
export function toPrincipal(
  row: SessionAuthorityRow | undefined,
  now: number,
): UserPrincipal | null {
  const isLive =
    row?.revokedAt === null && row.expiresAt > now && row.isActive && row.deletedAt === null;
  if (!isLive) return null;
  const { sessionId, userId, role, permissions, dataKey } = row;
  return { type: "user", sessionId, userId, role, permissions, dataKey };
}

/** Publishes whom a session stands for. */
export function publishSession(ctx: Context, principal: UserPrincipal): void {
  publishPrincipal(ctx, keyOf(principal.sessionId), principal);
}

/** Publishes that sessions have ended. */
export function publishEnded(ctx: Context, ended: readonly { id: string }[]): void {
  for (const { id } of ended) publishEnd(ctx, keyOf(id));
}
