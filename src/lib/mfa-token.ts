import { openSignedJson, signJson } from "./signed-json.ts";

const PREFIX = "rmf_";
const LABEL = "mfa token v1";

/** What a token is for: to verify a second factor, or to add the first one because the role requires it. */
export type MfaPurpose = "verify" | "enroll";

/** A login of which the first factor is proven. Times are in milliseconds. */
export interface MfaTokenClaims {
  /** Identifies the token once it is spent. */
  id: string;
  purpose: MfaPurpose;
  userId: string;
  /** The token is void once the password has changed. */
  passwordVersion: number;
  /** When the user was authenticated with which method. */
  proofs: Readonly<Record<string, number>>;
  expiresAt: number;
}

/** The `mfa_token` of a half-finished login: `rmf_` and the claims, signed with a MAC. It is not stored. */
export async function mintMfaToken(
  claims: MfaTokenClaims,
  keys: readonly CryptoKey[],
): Promise<string> {
  return PREFIX + (await signJson(claims, LABEL, keys));
}

/** The claims of a token that one of the keys signed and that has not expired, or undefined. Does no I/O. */
export async function verifyMfaToken(
  text: string,
  keys: readonly CryptoKey[],
  now: number,
): Promise<MfaTokenClaims | undefined> {
  if (!text.startsWith(PREFIX)) return undefined;
  const value = await openSignedJson(text.slice(PREFIX.length), LABEL, keys);
  const claims = value as MfaTokenClaims | undefined;
  return claims && claims.expiresAt > now ? claims : undefined;
}
