/** An IPv4 address written as IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED_IPV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/**
 * The subscriber behind an address, for rate limits: an IPv4 address itself, or the /64 of an IPv6 address, which is what one
 * subscriber gets (RFC 6177). Text that is not an address is returned unchanged.
 */
export function toSubscriber(address: string): string {
  const mapped = MAPPED_IPV4.exec(address)?.[1];
  if (mapped) return mapped;
  if (!address.includes(":")) return address;
  const host = parseHost(address);
  if (!host) return address;
  const [head = "", tail] = host.split("::");
  const groups = head.split(":").filter(Boolean);
  if (tail !== undefined) {
    const rest = tail.split(":").filter(Boolean);
    while (groups.length + rest.length < 8) groups.push("0");
    groups.push(...rest);
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}

// The URL parser converts an IPv6 address to its canonical form (RFC 5952), or refuses it.
function parseHost(address: string): string | undefined {
  const url = URL.parse(`http://[${address}]/`);
  return url?.hostname.slice(1, -1);
}
