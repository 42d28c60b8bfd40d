/** An IPv4 address written as IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED_IPV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/**
 * The subscriber behind an address, for rate limits: an IPv4 address itself, or the /64 of an IPv6 address, which is what one
 * subscriber gets (RFC 6177). Text that is not an address is returned unchanged.
 */
export function toSubscriber(address: string): string {
  const groups = parseIpv6(address);
  return groups ? `${groups.slice(0, 4).join(":")}::/64` : toIpv4(address);
}

/**
 * The network of an address: the /24 of an IPv4 address or the /48 of an IPv6 address, which is what one organisation usually has.
 * Text that is not an address is `unknown`.
 */
export function toNetwork(address: string): string {
  const groups = parseIpv6(address);
  if (groups) return `${groups.slice(0, 3).join(":")}::/48`;
  const bytes = toIpv4(address).split(".");
  return bytes.length === 4 ? `${bytes.slice(0, 3).join(".")}.0/24` : "unknown";
}

function toIpv4(address: string): string {
  return MAPPED_IPV4.exec(address)?.[1] ?? address;
}

// The eight groups of an IPv6 address; undefined for anything else, and for an IPv4 address written as IPv6.
function parseIpv6(address: string): string[] | undefined {
  if (!address.includes(":") || MAPPED_IPV4.test(address)) return undefined;
  const host = parseHost(address);
  if (!host) return undefined;
  const [head = "", tail] = host.split("::");
  const groups = head.split(":").filter(Boolean);
  const rest = tail?.split(":").filter(Boolean) ?? [];
  while (groups.length + rest.length < 8) groups.push("0");
  return [...groups, ...rest];
}

// The URL parser converts an IPv6 address to its canonical form (RFC 5952), or refuses it.
function parseHost(address: string): string | undefined {
  const url = URL.parse(`http://[${address}]/`);
  return url?.hostname.slice(1, -1);
}
