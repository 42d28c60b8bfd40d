import type { MiddlewareHandler } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv, Authenticate } from "../http/app-env.ts";
import { verifyAccessToken } from "../lib/access-token.ts";
import { getExactSessionState, getRecentSessionState } from "../sessions/state.ts";

const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

/**
 * Gives the guards their way to find out who is asking: the bearer token (RFC 6750 section 2.1) is checked without I/O,
 * then its session as exactly as the guard needs. Credentials in two places are refused before any of that.
 */
export const authentication: MiddlewareHandler<AppEnv> = async function authentication(c, next) {
  const { ctx } = c.var;
  const authorization = c.req.header("Authorization");
  const authenticate: Authenticate = async (certaintyFor) => {
    if (authorization && c.req.header("X-API-Key")) throw new AppError("conflicting_credentials");
    const token = BEARER.exec(authorization ?? "")?.[1];
    if (!token) throw new AppError("unauthenticated");
    const { signingKeys, accessToken } = ctx.config;
    const claims = await verifyAccessToken(token, signingKeys, accessToken, ctx.now());
    if (!claims) throw new AppError("unauthenticated");
    const getState =
      certaintyFor(claims.userId) === "recent" ? getRecentSessionState : getExactSessionState;
    const { authority } = await getState(ctx, claims.sessionId);
    if (authority?.userId !== claims.userId) throw new AppError("unauthenticated");
    return { type: "user", ...authority };
  };
  c.set("authenticate", authenticate);
  return next();
};
