import type { SQL } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { toBase64Url, utf8 } from "../../lib/bytes.ts";
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
  const [key] = ctx.config.macKeys;
  if (!key) throw new Error("no MAC key");
  const message = utf8(`roster one-time token v1\n${token.purpose}\n${token.userId}\n${occasion}`);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
  const text = PREFIX + toBase64Url(mac);
  const tokenHash = await hashToken(text);
  const expiresAt = ctx.now() + TTL_MS[token.purpose];
  const kept = await upsertToken(ctx.db, { ...token, tokenHash, expiresAt }, condition);
  return kept.length > 0 ? text : undefined;
}

/** A live token and its hash; undefined for a text that is none. What it is for is done only while it still is one: see `isTokenLive`. */
export async function readToken(
  ctx: Context,
  text: string,
): Promise<{ token: FoundToken; tokenHash: string } | undefined> {
  if (!text.startsWith(PREFIX)) return undefined;
  const tokenHash = await hashToken(text);
  const [token] = await findToken(ctx.db, tokenHash, ctx.now());
  return token && { token, tokenHash };
}

async function hashToken(text: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}
