import type { SQL } from "drizzle-orm";
import { type Context, momentOf } from "../../context.ts";
import { equalBytes, toBase64Url, utf8 } from "../../lib/bytes.ts";
import { computeMac, computeMacText, firstKey } from "../../lib/mac.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../lib/time.ts";
import { type FoundToken, findToken, upsertToken } from "./repository.ts";

/** The lifetime of a token by its purpose. */
const TTL_MS = {
  verify_email: DAY,
  reset_password: HOUR,
  change_email: DAY,
  invitation: 7 * DAY,
  expired_password: 10 * MINUTE,
  email_login: 10 * MINUTE,
  step_up_code: 10 * MINUTE,
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
const CODE_DIGITS = 6;

interface TokenRequest {
  userId: string;
  purpose: TokenPurpose;
  address: string;
  /** Every attempt to send an email gets the same token, so that each copy that arrives has a valid link. */
  mailId: string;
}

/** A token, and the code that stands for it where a purpose takes codes. */
interface MintedToken {
  text: string;
  code: string;
}

/**
 * Issues a token for a user, purpose and address where the condition holds, which voids the previous one for the purpose. The token
 * is an HMAC over the id of its email, and only its hash is stored. Returns undefined if the condition does not hold.
 */
export async function mintToken(
  ctx: Context,
  { mailId, ...token }: TokenRequest,
  condition: SQL,
): Promise<MintedToken | undefined> {
  const text = await deriveToken(ctx, { ...token, mailId });
  const tokenHash = await hashToken(text);
  const createdAt = ctx.now();
  const expiresAt = createdAt + TTL_MS[token.purpose];
  const { stored } = await ctx.d1.send({
    stored: upsertToken(ctx.db, { ...token, tokenHash, createdAt, expiresAt }, condition),
  });
  return stored.length > 0 ? { text, code: await computeCode(ctx, tokenHash) } : undefined;
}

/** A live token and its hash, or undefined. The statement that uses the token must check it again with `whereTokenLive`. */
export async function readToken(
  ctx: Context,
  text: string,
): Promise<{ token: FoundToken; tokenHash: string } | undefined> {
  const tokenHash = await hashSentToken(text);
  if (!tokenHash) return undefined;
  const { found } = await ctx.d1.send({ found: findToken(ctx.db, tokenHash, momentOf(ctx)) });
  const [token] = found;
  return token && { token, tokenHash };
}

type TokenSource = Pick<TokenRequest, "userId" | "purpose" | "mailId">;

async function deriveToken(ctx: Context, { userId, purpose, mailId }: TokenSource) {
  // A login is known by its id alone, so that no account must be known to find its token.
  const owner = purpose === "email_login" ? "" : userId;
  const message = `${purpose}\n${owner}\n${mailId}`;
  const key = firstKey(ctx.config.macKeys);
  return PREFIX + (await computeMacText(key, "one-time token v1", message));
}

/** The hash of the token in the email of a login, whether or not that was sent. */
export async function hashLoginToken(ctx: Context, mailId: string): Promise<string> {
  return hashToken(await deriveToken(ctx, { purpose: "email_login", userId: "", mailId }));
}

/**
 * The six digits that stand for a token, for people who type them. They are not stored: they are an HMAC over the hash of the token, under
 * which the token is stored.
 */
export async function computeCode(ctx: Context, tokenHash: string): Promise<string> {
  const mac = await computeMac(firstKey(ctx.config.macKeys), "one-time code v1", tokenHash);
  const number = new DataView(mac.buffer).getBigUint64(0) % 10n ** BigInt(CODE_DIGITS);
  return String(number).padStart(CODE_DIGITS, "0");
}

/** Whether what someone typed is the code. Compared in constant time; spaces are ignored. */
export function isCode(typed: string, code: string): boolean {
  return equalBytes(utf8(typed.replaceAll(/\s/g, "")), utf8(code));
}

/** The hash under which the token is stored that someone sent, or undefined if it is none. */
export async function hashSentToken(text: string): Promise<string | undefined> {
  return text.startsWith(PREFIX) ? hashToken(text) : undefined;
}

async function hashToken(text: string): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}
