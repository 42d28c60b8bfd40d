/** Which protocol and peculiarities a provider has: OpenID Connect with nothing else, or one of the presets. */
export type ProviderKind = "openid" | "google" | "github" | "microsoft" | "apple";

/** A service that people log in with, as PROVIDERS describes it. */
export interface Provider {
  /** Stored with identities and part of the callback address: it never changes. */
  id: string;
  /** For people. */
  name: string;
  kind: ProviderKind;
  /**
   * What the provider's metadata must have as its issuer. For Microsoft's endpoints for many tenants it contains `{tenantid}`; tokens
   * have the id of a tenant in its place.
   */
  issuer: string;
  /** The address under which the metadata is found, usually the issuer. GitHub has no metadata: there it is the base of its pages. */
  authority: string;
  /** Which accounts of Microsoft may log in: those of one tenant, or of many. */
  tenant?: string;
  clientId: string;
  credential: ProviderCredential;
  scopes: readonly string[];
  /** Whether its verified addresses are enough to log in to an existing account with the same verified address. */
  trustsEmail: boolean;
  /** The address that the provider redirects to, and that is registered there. */
  callbackUrl: string;
}

/** How Roster authenticates itself to a provider: a secret text, or Apple's key, which signs a secret for every request. */
export type ProviderCredential =
  | { type: "secret"; secret: string }
  | { type: "apple_key"; key: CryptoKey; keyId: string; teamId: string };

/** The tenant of Microsoft's personal accounts. */
export const MICROSOFT_CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad";

/** Tenants of Microsoft that stand for many. */
const MANY_TENANTS: readonly string[] = ["common", "organizations"];

/** True for a Microsoft provider that accepts accounts of many tenants. */
export function hasManyTenants({ tenant = "" }: Pick<Provider, "tenant">): boolean {
  return MANY_TENANTS.includes(tenant);
}

/** True for a Microsoft provider that accepts only accounts of one organisation, which vouches for their addresses. */
export function isSingleTenant({ tenant }: Pick<Provider, "tenant">): boolean {
  return tenant !== undefined && tenant !== MICROSOFT_CONSUMERS && !hasManyTenants({ tenant });
}
