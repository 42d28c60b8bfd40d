import { type JWTVerifyGetKey, jwtVerify, SignJWT } from "jose";
import type { SigningKey } from "./jwk.ts";

const ALGORITHM = "EdDSA";
const TYPE = "at+jwt";

export interface AccessTokenSettings {
  issuer: string;
  audience: string;
  ttlSeconds: number;
}

export interface AccessTokenClaims {
  userId: string;
  sessionId: string;
  role: string;
  permissions: readonly string[];
}

/** How and when the user was authenticated (RFC 9470 section 6.1). `authTime` is in milliseconds. */
export interface AuthenticationClaims {
  authTime: number;
  acr: string;
  amr: readonly string[];
}

/**
 * The claims of a verified token. Role and scope are those of the time when it was issued; what the user may do is in D1. Times are in
 * seconds since the Unix epoch.
 */
export interface VerifiedAccessToken
  extends Pick<AccessTokenClaims, "userId" | "sessionId" | "role"> {
  /** The permissions, separated by spaces. */
  scope: string;
  issuedAt: number;
  expiresAt: number;
}

/**
 * Signs an access token with EdDSA and the first key, in the format of RFC 9068 but without `client_id`, because Roster has no OAuth
 * clients. `now` is in milliseconds.
 */
export async function mintAccessToken(
  claims: AccessTokenClaims & AuthenticationClaims,
  keys: ReadonlyMap<string, SigningKey>,
  settings: AccessTokenSettings,
  now: number,
): Promise<string> {
  const [key] = keys.values();
  if (!key) throw new Error("no signing key");
  const issuedAt = Math.floor(now / 1000);
  return new SignJWT({
    sid: claims.sessionId,
    role: claims.role,
    scope: claims.permissions.join(" "),
    auth_time: Math.floor(claims.authTime / 1000),
    acr: claims.acr,
    amr: claims.amr,
  })
    .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: key.kid })
    .setIssuer(settings.issuer)
    .setAudience(settings.audience)
    .setSubject(claims.userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + settings.ttlSeconds)
    .setJti(crypto.randomUUID())
    .sign(key.privateKey);
}

/**
 * The claims of a valid access token, or undefined. Algorithm, type, issuer and audience are fixed, and `kid` selects only
 * among the given keys (RFC 8725 sections 3.1, 3.8, 3.10, 3.11), so that no header can refer to another key. Does no I/O.
 */
export async function verifyAccessToken(
  token: string,
  keys: ReadonlyMap<string, SigningKey>,
  settings: AccessTokenSettings,
  now: number,
): Promise<VerifiedAccessToken | undefined> {
  const findKey: JWTVerifyGetKey = ({ kid }) => {
    const key = keys.get(kid ?? "");
    if (!key) throw new Error("unknown kid");
    return key.publicKey;
  };
  try {
    const { payload } = await jwtVerify(token, findKey, {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer: settings.issuer,
      audience: settings.audience,
      requiredClaims: ["sub", "sid", "role", "scope", "iat", "exp", "jti"],
      currentDate: new Date(now),
    });
    const { sub, sid, role, scope, iat, exp } = payload;
    if (typeof sub !== "string" || typeof sid !== "string") return undefined;
    if (typeof role !== "string" || typeof scope !== "string") return undefined;
    if (typeof iat !== "number" || typeof exp !== "number") return undefined;
    return { userId: sub, sessionId: sid, role, scope, issuedAt: iat, expiresAt: exp };
  } catch {
    return undefined;
  }
}
