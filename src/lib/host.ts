const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const IP_ADDRESS = /^(\[.*\]|\d+(\.\d+){3})$/;
/** Names that resolve on a machine or in a local network only (RFC 6761, RFC 6762, RFC 8375, and what ICANN reserved). */
const LOCAL_NAME = /(^|\.)(localhost|localdomain|local|internal|intranet|lan|home\.arpa)\.?$/;
/** Names for documentation and placeholders, at which nobody can run a service (RFC 2606, RFC 6761). */
const RESERVED_NAME = /(^|\.)(invalid|example|example\.(com|net|org))\.?$/;

/** True if the hostname of a URL is this machine's own. Requests to it need no TLS, because they do not leave the machine. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname);
}

/**
 * True if the hostname of a URL can be that of a service on the internet: a domain of at least two labels that is not reserved for
 * local use. IP addresses are refused altogether. Names are not resolved here: the runtime has no route to private networks.
 */
export function isPublicName(hostname: string): boolean {
  return hostname.includes(".") && !IP_ADDRESS.test(hostname) && !LOCAL_NAME.test(hostname);
}

/** True if the hostname of a URL is a placeholder, such as those of `wrangler.toml` and of examples. */
export function isReservedName(hostname: string): boolean {
  return RESERVED_NAME.test(hostname);
}
