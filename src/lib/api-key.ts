import { toHex, utf8 } from "./bytes.ts";

/** The prefix by which people and secret scanners recognize a key. It is followed by 72 hex digits. */
const PREFIX = "rstk_";
const FORMAT = /^rstk_([0-9a-f]{64})([0-9a-f]{8})$/;
const SECRET_BYTES = 32;
const SHOWN_LENGTH = PREFIX.length + 8;

export interface NewApiKey {
  /** The key itself, which is shown only once. */
  text: string;
  /** The first characters of the key, to tell keys apart. */
  prefix: string;
  /** The hash that is stored instead of the key. */
  secretHash: string;
}

/** Generates a key: a 256-bit secret, and a checksum of it, which distinguishes a mistyped key from a revoked one without I/O. */
export async function mintApiKey(): Promise<NewApiKey> {
  const secret = toHex(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
  const text = PREFIX + secret + (await checksum(secret));
  return { text, prefix: text.slice(0, SHOWN_LENGTH), secretHash: await hash(secret) };
}

/** The hash under which a key is stored, or undefined if the text is not a well-formed key. Does no I/O. */
export async function hashApiKey(text: string): Promise<string | undefined> {
  const [, secret, given] = FORMAT.exec(text) ?? [];
  if (!secret || given !== (await checksum(secret))) return undefined;
  return hash(secret);
}

// Plain SHA-256 is enough, because 256 random bits cannot be guessed.
function hash(secret: string): Promise<string> {
  return sha256(`roster api key v1\n${secret}`);
}

async function checksum(secret: string): Promise<string> {
  return (await sha256(`roster api key checksum v1\n${secret}`)).slice(0, 8);
}

async function sha256(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}
