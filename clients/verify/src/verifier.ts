import { createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from "jose";
import { AuthError } from "./auth-error.ts";
import { createIntrospector, type IntrospectOptions } from "./introspect.ts";
import { type Principal, toPermissions, toPrincipal } from "./principal.ts";

export interface VerifierOptions {
  /** `iss` of access tokens: `JWT_ISSUER` of Roster, by default its `APP_URL`. */
  issuer: string;
  /** `aud` of access tokens: `JWT_AUDIENCE` of Roster. */
  audience: string;
  /** Where the public keys are. Default: `/.well-known/jwks.json` of the issuer. */
  jwksUrl?: string;
  /** Asks Roster about each token, so that a session that has ended is refused. Default: off. */
  introspect?: IntrospectOptions;
  /** Permissions that every request needs. */
  permissions?: readonly string[];
  /** How far the clocks may differ. Default: 5. */
  clockToleranceSeconds?: number;
  /** How long the keys are not requested again after an unknown one. Default: 30. */
  jwksCooldownSeconds?: number;
  /** Called with errors that are not the caller's, for your log: keys or introspection that cannot be reached. */
  onError?: (error: AuthError) => void;
  /** Sends requests instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** Verifies the `Authorization` header of a request. Throws an `AuthError`. */
export type Verify = (authorization: string | null | undefined) => Promise<Principal>;

const REQUIRED = ["sub", "sid", "role", "scope", "iat", "exp", "jti"];
/** How long the keys may be cached: the `max-age` that Roster sends with them. */
const JWKS_MAX_AGE_MS = 300_000;
/** Longer ones are not those of Roster. */
const MAX_TOKEN_LENGTH = 16_384;

/** Creates the function that verifies access tokens: signature, type, algorithm, issuer, audience and expiry (RFC 9068, RFC 8725). */
export function createVerifier(options: VerifierOptions): Verify {
  const { issuer, introspect, permissions = [], onError } = options;
  const fetch = options.fetch ?? ((request: Request) => globalThis.fetch(request));
  const verifyToken = createTokenVerifier(options, fetch);
  const ask =
    introspect &&
    createIntrospector(
      { url: new URL("/v1/auth/introspect", issuer).href, cacheSeconds: 10, ...introspect },
      fetch,
    );
  const verify: Verify = async (authorization) => {
    const token = readToken(authorization);
    const principal = toPrincipal(await verifyToken(token), token);
    if (!ask) return principal;
    const { sub, role, scope } = await ask(token);
    if (sub !== principal.userId) throw new AuthError("invalid_token");
    return { ...principal, role, permissions: toPermissions(scope) };
  };
  return async (authorization) => {
    try {
      const principal = await verify(authorization);
      requirePermissions(principal, permissions);
      return principal;
    } catch (error) {
      if (error instanceof AuthError && error.status === 503) onError?.(error);
      throw error;
    }
  };
}

/** Throws `insufficient_scope` unless the principal has all of the permissions. */
export function requirePermissions(principal: Principal, permissions: readonly string[]): void {
  if (permissions.every((permission) => principal.permissions.has(permission))) return;
  throw new AuthError("insufficient_scope", { permissions });
}

function readToken(authorization: string | null | undefined): string {
  if (!authorization) throw new AuthError("unauthenticated");
  const [, token] = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization) ?? [];
  if (token === undefined || token.length > MAX_TOKEN_LENGTH) throw new AuthError("invalid_token");
  return token;
}

function createTokenVerifier(
  options: VerifierOptions,
  fetch: (request: Request) => Promise<Response>,
): (token: string) => Promise<JWTPayload> {
  const {
    issuer,
    audience,
    jwksUrl,
    clockToleranceSeconds = 5,
    jwksCooldownSeconds = 30,
  } = options;
  const keys = createRemoteJWKSet(new URL(jwksUrl ?? "/.well-known/jwks.json", issuer), {
    cacheMaxAge: JWKS_MAX_AGE_MS,
    cooldownDuration: jwksCooldownSeconds * 1000,
    [customFetch]: (url, init) => fetch(new Request(url, init)),
  });
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: ["EdDSA"],
        typ: "at+jwt",
        issuer,
        audience,
        requiredClaims: REQUIRED,
        clockTolerance: clockToleranceSeconds,
      });
      return payload;
    } catch (cause) {
      throw new AuthError(isUnavailable(cause) ? "verification_unavailable" : "invalid_token", {
        cause,
      });
    }
  };
}

// jose reports keys that it could not fetch as a timeout, a general error, an invalid key set, or the error of `fetch`.
function isUnavailable(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true;
  return ["ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID", "ERR_JOSE_GENERIC"].includes(error.code);
}
