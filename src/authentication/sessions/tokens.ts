import { assess } from "../../access/assurance.ts";
import type { UserPrincipal } from "../../access/principal.ts";
import type { Context } from "../../context.ts";
import { mintAccessToken } from "../../lib/access-token.ts";
import { mintRefreshToken } from "../../lib/refresh-token.ts";
import { SECOND } from "../../lib/time.ts";
import type { Tokens } from "./schema.ts";

export type TokenSet = Tokens & { refresh_token: string };

/** Issues the tokens of a generation of a session. None outlives the session. */
export async function issueTokens(
  ctx: Context,
  principal: UserPrincipal,
  generation: number,
): Promise<TokenSet> {
  const { sessionId, expiresAt } = principal;
  return {
    ...(await issueAccessToken(ctx, principal)),
    refresh_token: await mintRefreshToken({ sessionId, generation }, ctx.config.macKeys),
    refresh_expires_in: toSecondsLeft(ctx, expiresAt),
  };
}

/**
 * Issues an access token, which says how and when the user was authenticated in the session. It does not outlive the session,
 * because other services verify it locally.
 */
export async function issueAccessToken(ctx: Context, principal: UserPrincipal) {
  const { accessToken, signingKeys } = ctx.config;
  const ttlSeconds = Math.min(accessToken.ttlSeconds, toSecondsLeft(ctx, principal.expiresAt));
  const assurance = assess(principal.proofs);
  if (!assurance) throw new Error("a session without proofs");
  const claims = { ...principal, ...assurance };
  const settings = { ...accessToken, ttlSeconds };
  return {
    access_token: await mintAccessToken(claims, signingKeys, settings, ctx.now()),
    token_type: "Bearer" as const,
    expires_in: ttlSeconds,
  };
}

function toSecondsLeft(ctx: Context, expiresAt: number): number {
  return Math.floor((expiresAt - ctx.now()) / SECOND);
}
