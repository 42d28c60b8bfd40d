/** The first groups of an IPv4 address written as IPv6 (RFC 4291 section 2.5.5.2). */
const MAPPED_IPV4 = "0:0:0:0:0:ffff:";

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

// An IPv4 address written as IPv6, in whichever form, as IPv4. Any other text is returned unchanged.
function toIpv4(address: string): string {
  const text = expandIpv6(address)?.join(":") ?? "";
  if (!text.startsWith(MAPPED_IPV4)) return address;
  const groups = text.slice(MAPPED_IPV4.length).split(":");
  const bytes = groups.flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join(".");
}

// The eight groups of an IPv6 address; undefined for anything else, and for an IPv4 address written as IPv6.
function parseIpv6(address: string): string[] | undefined {
  const groups = expandIpv6(address);
  return groups?.join(":").startsWith(MAPPED_IPV4) ? undefined : groups;
}

function expandIpv6(address: string): string[] | undefined {
  if (!address.includes(":")) return undefined;
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
