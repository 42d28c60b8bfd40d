import { equalBytes, fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";
import { computeMac, firstKey } from "./mac.ts";

const MAC_BYTES = 16;

/**
 * A JSON value as opaque, tamper-evident text: base64url of an HMAC-SHA-256, truncated to 128 bits, and of the value. Anyone can read
 * the value. The label names the purpose: a text is valid only for its own.
 */
export async function signJson(
  value: unknown,
  label: string,
  keys: readonly CryptoKey[],
): Promise<string> {
  const body = utf8(JSON.stringify(value));
  const mac = await computeShortMac(firstKey(keys), label, body);
  const signed = new Uint8Array(MAC_BYTES + body.byteLength);
  signed.set(mac);
  signed.set(body, MAC_BYTES);
  return toBase64Url(signed);
}

/** The value that one of the keys signed under this label, or undefined. */
export async function openSignedJson(
  text: string,
  label: string,
  keys: readonly CryptoKey[],
): Promise<unknown> {
  const signed = fromBase64Url(text);
  if (!signed || signed.byteLength <= MAC_BYTES) return undefined;
  const body = signed.slice(MAC_BYTES);
  for (const key of keys) {
    if (!equalBytes(await computeShortMac(key, label, body), signed.slice(0, MAC_BYTES))) continue;
    return JSON.parse(new TextDecoder().decode(body));
  }
  return undefined;
}

async function computeShortMac(key: CryptoKey, label: string, body: Uint8Array) {
  return (await computeMac(key, label, body)).slice(0, MAC_BYTES);
}
