import type { Context } from "../../context.ts";
import { newId } from "../../lib/ids.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { computeMacText, firstKey } from "../../lib/mac.ts";
import { openSignedJson, signJson } from "../../lib/signed-json.ts";
import { MINUTE } from "../../lib/time.ts";

const LABEL = "provider state v1";

/** How long a login with a provider may take until the callback. */
export const STATE_MS = 10 * MINUTE;

/** What someone wants of a provider: to log in, to link their account, or to be authenticated again within their session. */
export type Intent = "login" | "link" | "step_up";

/** What an application asks for when it starts a login with a provider. */
export interface AuthorizationRequest {
  intent: Intent;
  /** Where the application gets the result; one that the configuration lists. */
  redirectUri: string;
  /** The application's own PKCE challenge (RFC 7636, S256), for the exchange. */
  codeChallenge: string;
  /** What the application wants back with the result. */
  clientState?: string | undefined;
  /** Whose session it is; always present for `link` and `step_up`. */
  caller?: { userId: string; sessionId: string } | undefined;
}

/** A login that was started and has not come back. Times are in milliseconds. */
export interface ProviderState extends AuthorizationRequest {
  /** Identifies the state once it is spent. */
  id: string;
  startedAt: number;
  expiresAt: number;
  /** Roster's own PKCE verifier, of which the provider got the challenge. */
  codeVerifier: string;
  /** What the ID token must contain. */
  nonce: string;
}

interface StateClaims extends AuthorizationRequest {
  id: string;
  provider: string;
  startedAt: number;
}

/**
 * The `state` of an authorization request, signed with a MAC, and what belongs to it. Nothing is stored: the PKCE verifier and the
 * nonce derive from its id, by a key that only Roster has. Anyone can read the rest.
 */
export async function mintState(
  { config, now }: Pick<Context, "config" | "now">,
  provider: Pick<Provider, "id">,
  request: AuthorizationRequest,
): Promise<ProviderState & { text: string }> {
  const key = firstKey(config.macKeys);
  const claims: StateClaims = {
    ...request,
    id: newId(),
    provider: provider.id,
    startedAt: now(),
  };
  return { ...(await derive(claims, key)), text: await signJson(claims, LABEL, [key]) };
}

/**
 * The state that Roster minted for this provider, or undefined if it is forged, expired, from before the revocation epoch, or for
 * another provider. It works once: the caller spends `id` until `expiresAt`. Does no I/O.
 */
export async function readState(
  { config, now, revokedBefore }: Pick<Context, "config" | "now" | "revokedBefore">,
  provider: Pick<Provider, "id">,
  text: string,
): Promise<ProviderState | undefined> {
  for (const key of config.macKeys) {
    const claims = (await openSignedJson(text, LABEL, [key])) as StateClaims | undefined;
    if (!claims) continue;
    const isLive = claims.startedAt + STATE_MS > now() && claims.startedAt >= revokedBefore;
    return isLive && claims.provider === provider.id ? derive(claims, key) : undefined;
  }
  return undefined;
}

// By the key that signed the state, so that a login outlives a rotation of the keys.
async function derive(
  { provider: _, ...claims }: StateClaims,
  key: CryptoKey,
): Promise<ProviderState> {
  return {
    ...claims,
    expiresAt: claims.startedAt + STATE_MS,
    codeVerifier: await computeMacText(key, "provider code verifier v1", claims.id),
    nonce: await computeMacText(key, "provider nonce v1", claims.id),
  };
}
