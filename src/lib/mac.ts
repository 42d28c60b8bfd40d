import { toBase64Url, utf8 } from "./bytes.ts";

/**
 * HMAC-SHA-256 (RFC 2104) over a label and a message. The label names the purpose, so that a MAC made for one purpose is
 * good for no other.
 */
export async function mac(
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

/** The same in base64url, cut to so many bytes. */
export async function macText(
  key: CryptoKey,
  label: string,
  message: string,
  bytes = 32,
): Promise<string> {
  return toBase64Url((await mac(key, label, message)).slice(0, bytes));
}

/** The key that new MACs are made with. */
export function firstKey(keys: readonly CryptoKey[]): CryptoKey {
  const [key] = keys;
  if (!key) throw new Error("no MAC key");
  return key;
}
