/** An IPv4 address written as IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED_IPV4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/**
 * Whom an address stands for in a rate limit: an IPv4 address itself, an IPv6 address its /64, which is what one
 * subscriber gets (RFC 6177). A text that is no address stands for itself.
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

// The URL parser writes an IPv6 address in its canonical form (RFC 5952), or refuses it.
function parseHost(address: string): string | undefined {
  const url = URL.parse(`http://[${address}]/`);
  return url?.hostname.slice(1, -1);
}
