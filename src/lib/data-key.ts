import { fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";

const IV_BYTES = 12;
const KEY_BYTES = 32;
const WRAPPED = /^([\w-]{1,64})\./;

/** A person with a data key. What is sealed under the key can no longer be read once it is destroyed. */
export interface Person {
  id: string;
  /** The key, wrapped by one of the wrapping keys. Null if the person has none. */
  dataKey: string | null;
}

/** Generates a 256-bit data key for a person and wraps it with the first wrapping key: `<kid>.<base64url>`. */
export async function mintDataKey(
  personId: string,
  wrappingKeys: ReadonlyMap<string, CryptoKey>,
): Promise<string> {
  const [first] = wrappingKeys;
  if (!first) throw new Error("no wrapping key");
  const [kid, key] = first;
  const raw = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return `${kid}.${await encrypt(key, raw, `data key of ${personId}`)}`;
}

/** Unwraps a person's data key. Returns undefined if the person has no usable key. */
export async function unwrapDataKey(
  { id, dataKey }: Person,
  wrappingKeys: ReadonlyMap<string, CryptoKey>,
): Promise<CryptoKey | undefined> {
  const [kid = "", wrapped = ""] = dataKey?.split(".") ?? [];
  const wrappingKey = wrappingKeys.get(kid);
  const raw = wrappingKey && (await decrypt(wrappingKey, wrapped, `data key of ${id}`));
  return raw && crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** The `kid` of the key that a data key is wrapped with. */
export function wrappingKeyId(dataKey: string): string {
  return WRAPPED.exec(dataKey)?.[1] ?? "malformed";
}

/** Encrypts a text under a data key (AES-256-GCM) and binds it to a context. */
export function sealText(text: string, key: CryptoKey, context: string): Promise<string> {
  return encrypt(key, utf8(text), context);
}

/** Decrypts a text that was sealed under this data key and in this context. Returns undefined for any other. */
export async function openText(
  sealed: string,
  key: CryptoKey,
  context: string,
): Promise<string | undefined> {
  const opened = await decrypt(key, sealed, context);
  return opened && new TextDecoder().decode(opened);
}

async function encrypt(
  key: CryptoKey,
  plain: Uint8Array<ArrayBuffer>,
  context: string,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const algorithm = { name: "AES-GCM", iv, additionalData: utf8(context) };
  const cipher = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plain));
  const sealed = new Uint8Array(IV_BYTES + cipher.byteLength);
  sealed.set(iv);
  sealed.set(cipher, IV_BYTES);
  return toBase64Url(sealed);
}

async function decrypt(
  key: CryptoKey,
  sealed: string,
  context: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const bytes = fromBase64Url(sealed);
  if (!bytes || bytes.byteLength <= IV_BYTES) return undefined;
  const iv = bytes.slice(0, IV_BYTES);
  const algorithm = { name: "AES-GCM", iv, additionalData: utf8(context) };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, bytes.slice(IV_BYTES)));
  } catch {
    return undefined;
  }
}
