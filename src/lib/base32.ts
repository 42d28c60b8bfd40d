/** The alphabet of RFC 4648 section 6. */
export const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Crockford's alphabet in lower case: without letters that look like digits, for codes that people type. */
export const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** Base32 without padding: five bits per character of the alphabet. */
export function encodeBase32(bytes: Uint8Array, alphabet: string): string {
  let text = "";
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) {
      text += alphabet[(buffer >> (bits - 5)) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(buffer << (5 - bits)) & 31] : text;
}
