import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { type VerifiedAccessToken, verifyAccessToken } from "../lib/access-token.ts";
import { hashApiKey } from "../lib/api-key.ts";
import type { MemoryCache } from "../lib/memory-cache.ts";
import { SECOND } from "../lib/time.ts";

/** A credential whose signature or checksum is right. Whether it still lives is for D1 to say (see callers.ts). */
export type Credential = SessionCredential | { type: "api_key"; secretHash: string };

export interface SessionCredential {
  type: "session";
  userId: string;
  sessionId: string;
}

const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

/** What it takes to verify a token. Signatures that were verified are remembered until the token expires. */
interface Verifier {
  config: Pick<Config, "signingKeys" | "accessToken">;
  memory: { verifiedTokens: MemoryCache<VerifiedAccessToken> };
  now(): number;
}

/**
 * The credential of a request, or null when there is none or its signature or checksum is wrong. Does no I/O.
 * Throws `conflicting_credentials` when both an access token (RFC 6750 section 2.1) and an API key were sent.
 */
export async function readCredential(
  headers: { authorization: string | undefined; apiKey: string | undefined },
  verifier: Verifier,
): Promise<Credential | null> {
  const { authorization, apiKey } = headers;
  if (apiKey !== undefined) {
    if (authorization !== undefined) throw new AppError("conflicting_credentials");
    const secretHash = await hashApiKey(apiKey);
    return secretHash === undefined ? null : { type: "api_key", secretHash };
  }
  const token = BEARER.exec(authorization ?? "")?.[1];
  const claims = token && (await verifyToken(token, verifier));
  if (!claims) return null;
  return { type: "session", userId: claims.userId, sessionId: claims.sessionId };
}

/**
 * The claims of a valid access token, or undefined. A signature is verified once per isolate: it does not change. Whether the
 * token's session lives is another question.
 */
export async function verifyToken(
  token: string,
  { config, memory, now }: Verifier,
): Promise<VerifiedAccessToken | undefined> {
  const known = memory.verifiedTokens.get(token, now());
  if (known) return known;
  const claims = await verifyAccessToken(token, config.signingKeys, config.accessToken, now());
  if (claims) memory.verifiedTokens.set(token, claims, now(), claims.expiresAt * SECOND - now());
  return claims;
}
