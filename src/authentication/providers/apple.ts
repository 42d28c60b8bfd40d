import { SignJWT } from "jose";
import type { Context } from "../../context.ts";
import type { Provider, ProviderCredential } from "../../lib/login-provider.ts";
import { MINUTE, SECOND } from "../../lib/time.ts";
import { MAX_NAME_LENGTH } from "./identity.ts";

const SECRET_MS = 5 * MINUTE;
const MAX_USER_LENGTH = 4096;

/** The client secret that Apple asks for: a token that the key of the settings signs, for a few minutes. */
export function createClientSecret(
  { now }: Pick<Context, "now">,
  { clientId, issuer }: Provider,
  { key, keyId, teamId }: Extract<ProviderCredential, { type: "apple_key" }>,
): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid: keyId })
    .setIssuer(teamId)
    .setSubject(clientId)
    .setAudience(issuer)
    .setIssuedAt(Math.floor(now() / SECOND))
    .setExpirationTime(Math.floor((now() + SECRET_MS) / SECOND))
    .sign(key);
}

/**
 * The name that Apple sends with a person's first login only, beside the code and not signed. So it may name someone, but says nothing
 * about who they are; the address beside it is not used.
 */
export function readAppleName({ kind }: Provider, parameters: URLSearchParams): string | undefined {
  const text = parameters.get("user");
  if (kind !== "apple" || text === null || text.length > MAX_USER_LENGTH) return undefined;
  try {
    const { name } = JSON.parse(text) as { name?: { firstName?: unknown; lastName?: unknown } };
    const parts = [name?.firstName, name?.lastName].filter((part) => typeof part === "string");
    return parts.join(" ").trim().slice(0, MAX_NAME_LENGTH) || undefined;
  } catch {
    return undefined;
  }
}
