import { type CBORType, decodePartialCBOR } from "@levischuck/tiny-cbor";

/** A CBOR map with text or integer keys, as all of WebAuthn's structures have. */
export type CborMap = ReadonlyMap<string | number, CBORType>;

/**
 * The first item of some bytes and how many bytes it has, or undefined if it is not a well-formed CBOR map (RFC 8949).
 * Indefinite lengths, lengths in a form longer than necessary and duplicate keys are malformed (CTAP 2.2 section 8). The
 * depth of nesting is limited by the stack, as for `JSON.parse`.
 */
export function decodeCborMap(bytes: Uint8Array): { map: CborMap; byteLength: number } | undefined {
  try {
    const [value, byteLength] = decodePartialCBOR(bytes, 0);
    // The decoder shortens a string that is longer than the bytes, and counts its stated length.
    if (byteLength > bytes.byteLength) return undefined;
    return value instanceof Map ? { map: value, byteLength } : undefined;
  } catch {
    return undefined;
  }
}
