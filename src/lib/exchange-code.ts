import { toBase64Url, utf8 } from "./bytes.ts";
import { openText, sealText } from "./data-key.ts";

const PREFIX = "rxc_";
const SECRET_BYTES = 32;

/** A code that stands for a text, as it is stored. */
interface StoredCode {
  /** The hash of the code. */
  id: string;
  sealed: string;
}

/** A new random code for a text, and what is stored of it: neither the code nor the text can be read from that. */
export async function createExchangeCode(
  text: string,
): Promise<{ code: string; stored: StoredCode }> {
  const code = PREFIX + toBase64Url(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
  const id = await hashExchangeCode(code);
  return { code, stored: { id, sealed: await sealText(text, await deriveKey(code), id) } };
}

/** The id under which a code is stored. */
export async function hashExchangeCode(code: string): Promise<string> {
  return toBase64Url(await digest(`roster exchange code id v1\n${code}`));
}

/** The text that a code stands for, or undefined if the code is another one. */
export async function openExchangeCode(
  code: string,
  { id, sealed }: StoredCode,
): Promise<string | undefined> {
  return openText(sealed, await deriveKey(code), id);
}

// The code has 256 random bits, so that a hash is as good as a derivation that is slow.
async function deriveKey(code: string): Promise<CryptoKey> {
  const raw = await digest(`roster exchange code key v1\n${code}`);
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function digest(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text)));
}
