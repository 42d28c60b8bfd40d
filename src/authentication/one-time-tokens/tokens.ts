import type { SQL } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { toBase64Url, utf8 } from "../../lib/bytes.ts";
import { firstKey, macText } from "../../lib/mac.ts";
import { DAY, HOUR } from "../../lib/time.ts";
import { type FoundToken, findToken, upsertToken } from "./repository.ts";

/** What a token is good for, and for how long. */
const TTL_MS = {
  verify_email: DAY,
  reset_password: HOUR,
  change_email: DAY,
} as const;

export type TokenPurpose = keyof typeof TTL_MS;

export const TOKEN_PURPOSES = Object.keys(TTL_MS) as TokenPurpose[];

const PREFIX = "rot_";

interface TokenRequest {
  userId: string;
  purpose: TokenPurpose;
  address: string;
  /** Names the occasion: a second try at one mail gets the same token, so that whichever arrives is good. */
  occasion: string;
}

/**
 * Makes a token for a user, purpose and address where the condition holds; any older one for the purpose is void.
 * It is an HMAC over the occasion, and nothing but its hash is kept. Undefined when the condition did not hold.
 */
export async function mintToken(
  ctx: Context,
  { occasion, ...token }: TokenRequest,
  condition: SQL,
): Promise<string | undefined> {
  const message = `${token.purpose}\n${token.userId}\n${occasion}`;
  const text = PREFIX + (await macText(firstKey(ctx.config.macKeys), "one-time token v1", message));
  const tokenHash = await hashToken(text);
  const expiresAt = ctx.now() + TTL_MS[token.purpose];
  const { kept } = await ctx.d1.send({
    kept: upsertToken(ctx.db, { ...token, tokenHash, expiresAt }, condition),
  });
  return kept.length > 0 ? text : undefined;
}

/** A live token and its hash; undefined for a text that is none. What it allows is done in a statement that asks `whereTokenLive`. */
export async function readToken(
  ctx: Context,
  text: string,
): Promise<{ token: FoundToken; tokenHash: string } | undefined> {
  if (!text.startsWith(PREFIX)) return undefined;
  const tokenHash = await hashToken(text);
  const { found } = await ctx.d1.send({ found: findToken(ctx.db, tokenHash, ctx.now()) });
  const [token] = found;
  return token && { token, tokenHash };
}

async function hashToken(text: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}
