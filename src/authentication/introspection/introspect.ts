import { type Credential, verifyToken } from "../../access/credential.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import { read } from "../../access/read.ts";
import { requireRule } from "../../access/require.ts";
import type { Context } from "../../context.ts";
import type { VerifiedAccessToken } from "../../lib/access-token.ts";
import { findCachedSession, repairCachedSession } from "../sessions/cache.ts";
import { readLiveSession } from "../sessions/live.ts";
import type { Introspection } from "./schema.ts";

/**
 * Reports whether an access token is active (RFC 7662): its signature and claims are valid, and its session is live. Usually reads
 * the session record from KV and does not ask D1, so that tokens are inactive in every location within a minute after their session
 * has ended. A session is read from D1 if it has no record in KV, or one that does not have the role and permissions of a newer
 * token. Anything that is not an access token is inactive.
 */
export async function introspect(ctx: Context, token: string): Promise<Introspection> {
  await requireIntrospector(ctx);
  const claims = await verifyToken(token, ctx);
  if (!claims) return { active: false };
  const session = await findSession(ctx, claims);
  // A token does not outlive its session, so the session has not expired.
  if (!session || session.userId !== claims.userId) return { active: false };
  const { accessToken } = ctx.config;
  return {
    active: true,
    sub: claims.userId,
    sid: claims.sessionId,
    username: session.username,
    role: session.role,
    scope: session.permissions.join(" "),
    iss: accessToken.issuer,
    aud: accessToken.audience,
    iat: claims.issuedAt,
    exp: claims.expiresAt,
    token_type: "Bearer",
  };
}

// Only introspection caches its callers, for up to a minute per isolate, so that a service that introspects a token on each of its
// requests does not cost a query each time.
async function requireIntrospector(ctx: Context): Promise<void> {
  const { access } = ctx;
  if (!access) throw new Error("introspection without a credential");
  const name = `${ctx.revokedBefore}:${nameOf(access.credential)}`;
  const known = ctx.memory.introspectors.get(name, ctx.now());
  if (known) {
    Object.assign(access, { isDecided: true, principal: known });
    requireRule(known, access);
    return;
  }
  const { acting } = await read(ctx, {});
  ctx.memory.introspectors.set(name, acting.actor, ctx.now());
}

function nameOf(credential: Credential): string {
  return credential.type === "session"
    ? `session:${credential.sessionId}`
    : `key:${credential.secretHash}`;
}

/** What introspection says of a live session. */
type LiveSession = Pick<UserPrincipal, "userId" | "username" | "role" | "permissions">;

async function findSession(
  ctx: Context,
  claims: VerifiedAccessToken,
): Promise<LiveSession | undefined> {
  const cached = await findCachedSession(ctx, claims);
  if (cached?.ended) return undefined;
  if (cached) return { ...cached, userId: cached.user_id };
  const principal = await readLiveSession(ctx, claims);
  ctx.count("roster_introspections_total", { source: "d1" });
  // While KV does not respond, it may have a record.
  if (principal && cached !== null) repairCachedSession(ctx, principal);
  return principal;
}
