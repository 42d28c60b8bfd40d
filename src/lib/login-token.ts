import { openSignedJson, signJson } from "./signed-json.ts";

const PREFIX = "rel_";
const LABEL = "login token v1";

/** What a code that was sent by email belongs to. Says nothing about whether anyone has the address. */
export interface LoginTokenClaims {
  /** A keyed hash of the address. */
  addressHash: string;
  loginId: string;
  /** In milliseconds. */
  expiresAt: number;
}

/** The `login_token` of a login by email: `rel_` and the claims, signed with a MAC. It is a function of the claims, and not stored. */
export async function mintLoginToken(
  { addressHash, loginId, expiresAt }: LoginTokenClaims,
  keys: readonly CryptoKey[],
): Promise<string> {
  return PREFIX + (await signJson([addressHash, loginId, expiresAt], LABEL, keys));
}

/** The claims of a token that one of the keys signed and that has not expired, or undefined. Does no I/O. */
export async function verifyLoginToken(
  text: string,
  keys: readonly CryptoKey[],
  now: number,
): Promise<LoginTokenClaims | undefined> {
  if (!text.startsWith(PREFIX)) return undefined;
  const value = await openSignedJson(text.slice(PREFIX.length), LABEL, keys);
  if (!value) return undefined;
  const [addressHash, loginId, expiresAt] = value as [string, string, number];
  return expiresAt > now ? { addressHash, loginId, expiresAt } : undefined;
}
