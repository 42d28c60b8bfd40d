const IPV4 = /^\d+(\.\d+){3}$/;

/** The WebAuthn relying party: the domain that passkeys belong to, and the origins that may use them. */
export interface RelyingParty {
  /** The domain. It never changes, because passkeys of another one cannot be used. */
  id: string;
  /** Web origins, and Android apps as `android:apk-key-hash:…`. Compared exactly. */
  origins: readonly string[];
}

/**
 * The relying party of these settings, or undefined if browsers allow none of the origins to use passkeys of the domain. Without an
 * id, passkeys belong to the domain of the service.
 */
export function toRelyingParty(input: {
  id: string | undefined;
  /** The origin of the service. */
  service: string | undefined;
  /** The origins that may use the passkeys, if not only the service itself. */
  origins: readonly string[];
}): RelyingParty | undefined {
  const { service } = input;
  const id = input.id ?? (service && domainOf(service));
  const origins = input.origins.length > 0 ? input.origins : [service ?? ""].filter(Boolean);
  const isUsable = id && origins.length > 0 && origins.every((origin) => mayUse(origin, id));
  return isUsable ? { id, origins } : undefined;
}

/**
 * True if browsers allow an origin to use passkeys of this domain (WebAuthn section 13.4.9): its host is the domain or below it, and
 * it is secure. Apps are always allowed, because the domain lists them itself (assetlinks.json).
 */
function mayUse(origin: string, id: string): boolean {
  if (!isWebOrigin(origin)) return true;
  const domain = domainOf(origin);
  if (!domain) return false;
  const isSecure = origin.startsWith("https:") || /(^|\.)localhost$/.test(domain);
  return isSecure && (domain === id || (id.includes(".") && domain.endsWith(`.${id}`)));
}

function isWebOrigin(origin: string): boolean {
  return /^https?:/.test(origin);
}

// Passkeys cannot belong to IP addresses.
function domainOf(origin: string): string | undefined {
  const { hostname } = new URL(origin);
  return hostname.startsWith("[") || IPV4.test(hostname) ? undefined : hostname;
}
