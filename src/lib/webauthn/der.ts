const SEQUENCE = 0x30;
const INTEGER = 0x02;

/**
 * The raw form r‖s of an ECDSA signature in DER (RFC 3279 section 2.2.3), which WebCrypto takes, or undefined if it is not
 * exactly that: other tags, long or wrong lengths, trailing bytes, integers that are negative, padded or too long. For
 * curves of up to 256 bits, whose signatures have at most 72 bytes.
 */
export function signatureFromDer(
  der: Uint8Array,
  coordinateBytes: number,
): Uint8Array<ArrayBuffer> | undefined {
  // Two integers that fit end long before a length of more than one byte would begin.
  if (der[0] !== SEQUENCE || der[1] !== der.byteLength - 2) return undefined;
  const r = readInteger(der, 2, coordinateBytes);
  const s = r && readInteger(der, r.end, coordinateBytes);
  if (!s || s.end !== der.byteLength) return undefined;
  const raw = new Uint8Array(2 * coordinateBytes);
  raw.set(r.digits, coordinateBytes - r.digits.byteLength);
  raw.set(s.digits, raw.byteLength - s.digits.byteLength);
  return raw;
}

/** A non-negative INTEGER in its shortest form, without the zero byte in front of a set first bit. */
function readInteger(
  der: Uint8Array,
  start: number,
  maxBytes: number,
): { digits: Uint8Array; end: number } | undefined {
  const [tag, length = 0] = der.subarray(start, start + 2);
  const end = start + 2 + length;
  if (tag !== INTEGER || length === 0 || end > der.byteLength) return undefined;
  const content = der.subarray(start + 2, end);
  const [first = 0, second = 0] = content;
  const isNegative = first >= 0x80;
  const isPadded = first === 0 && length > 1 && second < 0x80;
  if (isNegative || isPadded) return undefined;
  const digits = first === 0 ? content.subarray(1) : content;
  return digits.byteLength > maxBytes ? undefined : { digits, end };
}
