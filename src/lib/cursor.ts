import { equalBytes, fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";

const MAC_BYTES = 16;

/** An opaque, tamper-evident place in a list. `scope` names the list, its filters and its order: a cursor is of no use in another. */
export async function sealCursor(
  place: readonly (string | number | null)[],
  scope: string,
  keys: readonly CryptoKey[],
): Promise<string> {
  const [key] = keys;
  if (!key) throw new Error("no MAC key");
  const body = utf8(JSON.stringify(place));
  const mac = await sign(key, body, scope);
  const sealed = new Uint8Array(MAC_BYTES + body.byteLength);
  sealed.set(mac);
  sealed.set(body, MAC_BYTES);
  return toBase64Url(sealed);
}

/** The place that one of the keys sealed for this scope, or undefined. */
export async function openCursor(
  text: string,
  scope: string,
  keys: readonly CryptoKey[],
): Promise<unknown[] | undefined> {
  const sealed = fromBase64Url(text);
  if (!sealed || sealed.byteLength <= MAC_BYTES) return undefined;
  const body = sealed.slice(MAC_BYTES);
  for (const key of keys) {
    if (!equalBytes(await sign(key, body, scope), sealed.slice(0, MAC_BYTES))) continue;
    return JSON.parse(new TextDecoder().decode(body)) as unknown[];
  }
  return undefined;
}

async function sign(key: CryptoKey, body: Uint8Array, scope: string): Promise<Uint8Array> {
  const head = utf8(`roster cursor v1\n${scope}\n`);
  const message = new Uint8Array(head.byteLength + body.byteLength);
  message.set(head);
  message.set(body, head.byteLength);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, message)).slice(0, MAC_BYTES);
}
