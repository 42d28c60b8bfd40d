import { utf8 } from "./bytes.ts";

/** What every key begins with, so that people and secret scanners know it: `rstk_` and 72 hex digits. */
const PREFIX = "rstk_";
const FORM = /^rstk_([0-9a-f]{64})([0-9a-f]{8})$/;
const SECRET_BYTES = 32;
const SHOWN_LENGTH = PREFIX.length + 8;

export interface NewApiKey {
  /** The whole key, to be shown once. */
  text: string;
  /** Its beginning, for telling keys apart. */
  prefix: string;
  /** What is stored in its place. */
  secretHash: string;
}

/** A new key: a 256-bit secret, and a checksum over it that tells a mistyped key from a revoked one without asking anyone. */
export async function mintApiKey(): Promise<NewApiKey> {
  const secret = toHex(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)));
  const text = PREFIX + secret + (await checksum(secret));
  return { text, prefix: text.slice(0, SHOWN_LENGTH), secretHash: await hash(secret) };
}

/** The hash under which a key is stored; undefined when the text is no key of ours. Does no I/O. */
export async function hashApiKey(text: string): Promise<string | undefined> {
  const [, secret, given] = FORM.exec(text) ?? [];
  if (!secret || given !== (await checksum(secret))) return undefined;
  return hash(secret);
}

// Plain SHA-256 is enough: there is nothing to guess in 256 random bits.
function hash(secret: string): Promise<string> {
  return sha256(`roster api key v1\n${secret}`);
}

async function checksum(secret: string): Promise<string> {
  return (await sha256(`roster api key checksum v1\n${secret}`)).slice(0, 8);
}

async function sha256(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text))));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
