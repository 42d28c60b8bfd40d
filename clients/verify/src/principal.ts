import type { JWTPayload } from "jose";
import { AuthError } from "./auth-error.ts";

/** Who a request acts as, as the access token says (RFC 9068). */
export interface Principal {
  userId: string;
  sessionId: string;
  role: string;
  permissions: ReadonlySet<string>;
  /** When the token expires, in milliseconds since the Unix epoch. */
  expiresAt: number;
  /** When the person last proved who they are, in milliseconds, and the level: `aal1` or `aal2` (RFC 9470). */
  authTime: number | undefined;
  acr: string | undefined;
  /** The token itself, for example to call another service on behalf of the person. */
  accessToken: string;
}

/** The principal of verified claims. Throws `invalid_token` if one has the wrong type. */
export function toPrincipal(claims: JWTPayload, accessToken: string): Principal {
  const { sub, sid, role, scope, exp, auth_time, acr } = claims;
  const isSound =
    typeof sub === "string" &&
    typeof sid === "string" &&
    typeof role === "string" &&
    typeof scope === "string" &&
    typeof exp === "number";
  if (!isSound) throw new AuthError("invalid_token");
  return {
    userId: sub,
    sessionId: sid,
    role,
    permissions: toPermissions(scope),
    expiresAt: exp * 1000,
    authTime: typeof auth_time === "number" ? auth_time * 1000 : undefined,
    acr: typeof acr === "string" ? acr : undefined,
    accessToken,
  };
}

/** The permissions of a `scope`. */
export function toPermissions(scope: string): ReadonlySet<string> {
  return new Set(scope.split(" ").filter(Boolean));
}
