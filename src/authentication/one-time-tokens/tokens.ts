import type { SQL } from "drizzle-orm";
import { type Context, momentOf } from "../../context.ts";
import { toBase64Url, utf8 } from "../../lib/bytes.ts";
import { computeMacText, firstKey } from "../../lib/mac.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../lib/time.ts";
import { type FoundToken, findToken, upsertToken } from "./repository.ts";

/** The lifetime of a token by its purpose. */
const TTL_MS = {
  verify_email: DAY,
  reset_password: HOUR,
  change_email: DAY,
  invitation: 7 * DAY,
  expired_password: 10 * MINUTE,
} as const;

export type TokenPurpose = keyof typeof TTL_MS;

/** The purposes of tokens that set a password. */
export const PASSWORD_PURPOSES = [
  "reset_password",
  "invitation",
  "expired_password",
] as const satisfies TokenPurpose[];

/** The lifetime of a token in seconds. */
export function tokenTtlSeconds(purpose: TokenPurpose): number {
  return TTL_MS[purpose] / SECOND;
}

export const TOKEN_PURPOSES = Object.keys(TTL_MS) as TokenPurpose[];

const PREFIX = "rot_";

interface TokenRequest {
  userId: string;
  purpose: TokenPurpose;
  address: string;
  /** Every attempt to send an email gets the same token, so that each copy that arrives has a valid link. */
  mailId: string;
}

/**
 * Issues a token for a user, purpose and address where the condition holds, which voids the previous one for the purpose. The token
 * is an HMAC over the id of its email, and only its hash is stored. Returns undefined if the condition does not hold.
 */
export async function mintToken(
  ctx: Context,
  { mailId, ...token }: TokenRequest,
  condition: SQL,
): Promise<string | undefined> {
  const message = `${token.purpose}\n${token.userId}\n${mailId}`;
  const text =
    PREFIX + (await computeMacText(firstKey(ctx.config.macKeys), "one-time token v1", message));
  const tokenHash = await hashToken(text);
  const createdAt = ctx.now();
  const expiresAt = createdAt + TTL_MS[token.purpose];
  const { stored } = await ctx.d1.send({
    stored: upsertToken(ctx.db, { ...token, tokenHash, createdAt, expiresAt }, condition),
  });
  return stored.length > 0 ? text : undefined;
}

/** A live token and its hash, or undefined. The statement that uses the token must check it again with `whereTokenLive`. */
export async function readToken(
  ctx: Context,
  text: string,
): Promise<{ token: FoundToken; tokenHash: string } | undefined> {
  if (!text.startsWith(PREFIX)) return undefined;
  const tokenHash = await hashToken(text);
  const { found } = await ctx.d1.send({ found: findToken(ctx.db, tokenHash, momentOf(ctx)) });
  const [token] = found;
  return token && { token, tokenHash };
}

async function hashToken(text: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}
