import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { verifyAccessToken } from "../lib/access-token.ts";
import { hashApiKey } from "../lib/api-key.ts";

/** A credential whose signature or checksum is right. Whether it still lives is for D1 to say (see callers.ts). */
export type Credential = SessionCredential | { type: "api_key"; secretHash: string };

export interface SessionCredential {
  type: "session";
  userId: string;
  sessionId: string;
}

const BEARER = /^Bearer +([\w.~+/-]+=*) *$/i;

/**
 * The credential of a request, or null when there is none or its signature or checksum is wrong. Does no I/O.
 * Throws `conflicting_credentials` when both an access token (RFC 6750 section 2.1) and an API key were sent.
 */
export async function readCredential(
  headers: { authorization: string | undefined; apiKey: string | undefined },
  { signingKeys, accessToken }: Pick<Config, "signingKeys" | "accessToken">,
  now: number,
): Promise<Credential | null> {
  const { authorization, apiKey } = headers;
  if (apiKey !== undefined) {
    if (authorization !== undefined) throw new AppError("conflicting_credentials");
    const secretHash = await hashApiKey(apiKey);
    return secretHash === undefined ? null : { type: "api_key", secretHash };
  }
  const token = BEARER.exec(authorization ?? "")?.[1];
  const claims = token && (await verifyAccessToken(token, signingKeys, accessToken, now));
  if (!claims) return null;
  return { type: "session", userId: claims.userId, sessionId: claims.sessionId };
}
