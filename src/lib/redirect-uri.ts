/** Characters of a URI (RFC 3986 section 2) without the wildcards and the fragment. */
const URI_TEXT = /^[\w.~:/?[\]@!$&'()+,;=%-]{1,512}$/;
/** A scheme in reverse-domain form (RFC 8252 section 7.1). */
const PRIVATE_SCHEME = /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:\//;
/** A loopback address with any port (RFC 8252 section 7.3): host, port, and the rest. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\])(:\d{1,5})?(\/.*)?$/;

/** The longest redirect address, in characters. */
export const MAX_REDIRECT_URI_LENGTH = 512;

/** True if the configuration may list this redirect address: https, a private scheme, or http on a loopback address. */
export function isRedirectUri(text: string): boolean {
  if (!URI_TEXT.test(text) || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  if (username || password) return false;
  return protocol === "https:" || PRIVATE_SCHEME.test(text) || LOOPBACK.test(text);
}

/**
 * True if a redirect address is one of the list, character by character (RFC 9700 section 2.1). Only the port of a loopback address
 * may differ, because native apps listen on whichever is free (RFC 8252 section 7.3).
 */
export function isAllowedRedirect(requested: string, allowed: readonly string[]): boolean {
  if (allowed.includes(requested)) return true;
  const loopback = withoutPort(requested);
  return loopback !== undefined && allowed.some((listed) => withoutPort(listed) === loopback);
}

function withoutPort(uri: string): string | undefined {
  const match = isRedirectUri(uri) ? LOOPBACK.exec(uri) : null;
  return match ? `${match[1]}${match[3] ?? ""}` : undefined;
}
