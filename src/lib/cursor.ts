import { equalBytes, fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";
import { computeMac, firstKey } from "./mac.ts";

const MAC_BYTES = 16;

/**
 * Seals a position in a list as an opaque, tamper-evident cursor. `scope` identifies the list, its filters and its order; a cursor
 * is valid only for its own scope.
 */
export async function sealCursor(
  position: readonly (string | number | null)[],
  scope: string,
  keys: readonly CryptoKey[],
): Promise<string> {
  const body = utf8(JSON.stringify(position));
  const seal = await sign(firstKey(keys), body, scope);
  const sealed = new Uint8Array(MAC_BYTES + body.byteLength);
  sealed.set(seal);
  sealed.set(body, MAC_BYTES);
  return toBase64Url(sealed);
}

/** The position that one of the keys sealed for this scope, or undefined. */
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
  return (await computeMac(key, `cursor v1\n${scope}`, body)).slice(0, MAC_BYTES);
}
