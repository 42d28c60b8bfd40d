import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { type VerifiedAccessToken, verifyAccessToken } from "../lib/access-token.ts";
import { hashApiKey } from "../lib/api-key.ts";
import { firstIdAt } from "../lib/ids.ts";
import type { MemoryCache } from "../lib/memory-cache.ts";
import { SECOND } from "../lib/time.ts";

/** A credential with a valid signature or checksum. Only D1 knows whether it is still live (see callers.ts). */
export type Credential = SessionCredential | { type: "api_key"; secretHash: string };

export interface SessionCredential {
  type: "session";
  userId: string;
  sessionId: string;
}

const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

/** What verifying a token needs. Verified tokens are cached until they expire. */
interface Verifier {
  config: Pick<Config, "signingKeys" | "accessToken">;
  memory: { verifiedTokens: MemoryCache<VerifiedAccessToken> };
  /** The revocation epoch. */
  revokedBefore: number;
  now(): number;
}

/**
 * The credential of a request, or null if there is none or its signature or checksum is invalid. Does no I/O.
 * Throws `conflicting_credentials` if the request has both an access token (RFC 6750 section 2.1) and an API key.
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
 * The claims of a valid access token, or undefined. Each token is verified once per isolate. A token from before the revocation
 * epoch, or of a session that began before it, is not valid. Does not check whether the session of the token is live.
 */
export async function verifyToken(
  token: string,
  verifier: Verifier,
): Promise<VerifiedAccessToken | undefined> {
  const claims = await verifySignature(token, verifier);
  return claims && isRevoked(claims, verifier.revokedBefore) ? undefined : claims;
}

// A token names the second in which it was issued, and the id of a session the millisecond in which it began.
function isRevoked({ issuedAt, sessionId }: VerifiedAccessToken, revokedBefore: number): boolean {
  return (issuedAt + 1) * SECOND <= revokedBefore || sessionId < firstIdAt(revokedBefore);
}

async function verifySignature(
  token: string,
  { config, memory, now }: Verifier,
): Promise<VerifiedAccessToken | undefined> {
  const known = memory.verifiedTokens.get(token, now());
  if (known) return known;
  const claims = await verifyAccessToken(token, config.signingKeys, config.accessToken, now());
  if (claims) memory.verifiedTokens.set(token, claims, now(), claims.expiresAt * SECOND - now());
  return claims;
}
