import { decodeJwt, decodeProtectedHeader } from "jose";
import type { AuthorizationServer, ExportedJWKSCache } from "oauth4webapi";
import {
  hasManyTenants,
  isSingleTenant,
  MICROSOFT_CONSUMERS,
  type Provider,
} from "../../lib/login-provider.ts";
import { ProviderFailure } from "./failure.ts";

const PLACE = "{tenantid}";
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * What the ID token in a response must have as its issuer. Where accounts of many tenants may log in, Microsoft's metadata names a
 * pattern, and the issuer has the token's own `tid` in its place. Throws `ProviderFailure` if the tenant may not log in.
 */
export async function toTenantIssuer(
  provider: Provider,
  { issuer }: AuthorizationServer,
  response: Response,
): Promise<string> {
  if (!hasManyTenants(provider)) return issuer;
  const tenant = await readTenant(response);
  const isPersonal = tenant === MICROSOFT_CONSUMERS;
  if (!tenant || (isPersonal && provider.tenant === "organizations")) {
    throw new ProviderFailure("server_error", "unexpected_tenant");
  }
  return issuer.replace(PLACE, tenant);
}

async function readTenant(response: Response): Promise<string | undefined> {
  try {
    const { id_token } = (await response.clone().json()) as { id_token?: unknown };
    const { tid } = decodeJwt(String(id_token));
    return typeof tid === "string" && GUID.test(tid) ? tid : undefined;
  } catch {
    return undefined;
  }
}

/** Microsoft's keys name the issuer whose tokens they sign. Throws `ProviderFailure` if it is another one than the token's. */
export function requireIssuerOfKey(
  { keys }: ExportedJWKSCache["jwks"],
  idToken: string,
  issuer: string,
): void {
  const { kid } = decodeProtectedHeader(idToken);
  const tenant = new URL(issuer).pathname.split("/")[1] ?? "";
  const isForeign = (keys as readonly { kid?: unknown; issuer?: unknown }[]).some(
    ({ kid: id, issuer: named }) =>
      id === kid && typeof named === "string" && named.replace(PLACE, tenant) !== issuer,
  );
  if (isForeign) throw new ProviderFailure("server_error", "key_of_another_issuer");
}

/**
 * Whether Microsoft vouches for an address. Administrators of a tenant can give their people any address: it counts if it is of the
 * one tenant that the settings name, or if Microsoft says that the tenant owns the domain (`xms_edov`).
 */
export function isAddressOfTenant(
  provider: Provider,
  { xms_edov: isDomainOwned }: Readonly<Record<string, unknown>>,
): boolean {
  const isOwned = [true, 1, "1", "true"].some((value) => value === isDomainOwned);
  return isOwned || isSingleTenant(provider);
}
