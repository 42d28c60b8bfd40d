import { toBase64Url, utf8 } from "./bytes.ts";

/**
 * Computes HMAC-SHA-256 (RFC 2104) over a label and a message. The label names the purpose, so that a MAC for one purpose is not
 * valid for another.
 */
export async function computeMac(
  key: CryptoKey,
  label: string,
  message: string | Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  const head = utf8(`roster ${label}\n`);
  const body = typeof message === "string" ? utf8(message) : message;
  const bytes = new Uint8Array(head.byteLength + body.byteLength);
  bytes.set(head);
  bytes.set(body, head.byteLength);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
}

/** As `computeMac`, but truncated to `bytes` bytes and encoded as base64url. */
export async function computeMacText(
  key: CryptoKey,
  label: string,
  message: string,
  bytes = 32,
): Promise<string> {
  return toBase64Url((await computeMac(key, label, message)).slice(0, bytes));
}

/** The key for new MACs. */
export function firstKey(keys: readonly CryptoKey[]): CryptoKey {
  const [key] = keys;
  if (!key) throw new Error("no MAC key");
  return key;
}
