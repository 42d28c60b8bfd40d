import type { MiddlewareHandler } from "hono";
import { getKeyPrincipal } from "../api-keys/principal.ts";
import {
  getExactSessionPrincipal,
  getRecentSessionPrincipal,
} from "../authentication/sessions/principal.ts";
import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import type { AppEnv, Authenticate, CertaintyRule } from "../http/app-env.ts";
import { verifyAccessToken } from "../lib/access-token.ts";
import type { UserPrincipal } from "./principal.ts";

const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

/** Gives the guards their way to find out who is asking. Credentials in two places are refused before anything else. */
export const authentication: MiddlewareHandler<AppEnv> = async function authentication(c, next) {
  const { ctx } = c.var;
  const authorization = c.req.header("Authorization");
  const apiKey = c.req.header("X-API-Key");
  if (authorization !== undefined && apiKey !== undefined) {
    throw new AppError("conflicting_credentials");
  }
  const authenticate: Authenticate = async (certainty) => {
    if (apiKey !== undefined) return getKeyPrincipal(ctx, apiKey, certainty.apiKey);
    return authenticateSession(ctx, authorization, certainty);
  };
  c.set("authenticate", authenticate);
  return next();
};

// The token (RFC 6750 section 2.1) is checked without I/O, then its session as exactly as the guard needs.
async function authenticateSession(
  ctx: Context,
  authorization: string | undefined,
  certainty: CertaintyRule,
): Promise<UserPrincipal | null> {
  const token = BEARER.exec(authorization ?? "")?.[1];
  if (!token) return null;
  const { signingKeys, accessToken } = ctx.config;
  const claims = await verifyAccessToken(token, signingKeys, accessToken, ctx.now());
  if (!claims) return null;
  const isRecentEnough = certainty.user(claims.userId) === "recent";
  const getPrincipal = isRecentEnough ? getRecentSessionPrincipal : getExactSessionPrincipal;
  const principal = await getPrincipal(ctx, claims.sessionId);
  return principal?.type === "user" && principal.userId === claims.userId ? principal : null;
}
