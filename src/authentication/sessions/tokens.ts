import type { z } from "@hono/zod-openapi";
import type { UserPrincipal } from "../../access/principal.ts";
import type { Context } from "../../context.ts";
import { mintAccessToken } from "../../lib/access-token.ts";
import { mintRefreshToken } from "../../lib/refresh-token.ts";
import { SECOND } from "../../lib/time.ts";
import type { Tokens } from "./schema.ts";

export type TokenSet = z.infer<typeof Tokens>;

/**
 * Issues the tokens of a generation of a session. None outlives the session, because other services verify access tokens
 * locally.
 */
export async function issueTokens(
  ctx: Context,
  principal: UserPrincipal,
  generation: number,
): Promise<TokenSet> {
  const { accessToken, signingKeys, macKeys } = ctx.config;
  const now = ctx.now();
  const secondsLeft = Math.floor((principal.expiresAt - now) / SECOND);
  const ttlSeconds = Math.min(accessToken.ttlSeconds, secondsLeft);
  const settings = { ...accessToken, ttlSeconds };
  return {
    access_token: await mintAccessToken(principal, signingKeys, settings, now),
    refresh_token: await mintRefreshToken({ sessionId: principal.sessionId, generation }, macKeys),
    token_type: "Bearer",
    expires_in: ttlSeconds,
    refresh_expires_in: secondsLeft,
  };
}
