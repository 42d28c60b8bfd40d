import { equalBytes, utf8 } from "../bytes.ts";
import { normalizePassword } from "../text.ts";
import { type ForeignHash, parseForeignHash } from "./parse.ts";

/** The maximum number of PBKDF2 iterations that WebCrypto takes on Cloudflare's network. */
const MAX_WEBCRYPTO_ITERATIONS = 100_000;

const AES_BLOCK_BYTES = 16;
const SCRYPT_KEY_BYTES = 32;

/**
 * True if the password matches a hash that another system made. Such systems hash passwords as typed, so the password is tried as
 * typed, and normalized if that is another text. A malformed hash matches no password.
 *
 * The libraries are loaded when a hash of their kind is first verified, so that the start of an isolate does not pay for them.
 */
export async function verifyForeignHash(
  password: string,
  stored: string,
  maxWebCryptoIterations = MAX_WEBCRYPTO_ITERATIONS,
): Promise<boolean> {
  const parsed = parseForeignHash(stored);
  if ("fault" in parsed) return false;
  const normalized = normalizePassword(password);
  if (await isMatch(password, parsed, maxWebCryptoIterations)) return true;
  return normalized !== password && isMatch(normalized, parsed, maxWebCryptoIterations);
}

async function isMatch(
  password: string,
  hash: ForeignHash,
  maxWebCryptoIterations: number,
): Promise<boolean> {
  if (hash.kind !== "bcrypt") {
    return equalBytes(await derive(utf8(password), hash, maxWebCryptoIterations), hash.hash);
  }
  const { compareSync } = await import("bcryptjs");
  return compareSync(password, hash.text);
}

async function derive(
  password: Uint8Array<ArrayBuffer>,
  hash: Exclude<ForeignHash, { kind: "bcrypt" }>,
  maxWebCryptoIterations: number,
): Promise<Uint8Array> {
  switch (hash.kind) {
    case "pbkdf2":
      return derivePbkdf2(password, hash, maxWebCryptoIterations);
    case "argon2id": {
      const { argon2id } = await import("@noble/hashes/argon2.js");
      const { kib: m, passes: t, lanes: p } = hash;
      return argon2id(password, hash.salt, { m, t, p, dkLen: hash.hash.byteLength });
    }
    case "scrypt":
      return deriveScrypt(password, hash.salt, hash, hash.hash.byteLength);
    case "firebase":
      return deriveFirebase(password, hash);
  }
}

// WebCrypto is faster by far, but limited, and one derivation cannot be split into several calls.
async function derivePbkdf2(
  password: Uint8Array<ArrayBuffer>,
  { digest, iterations, salt, hash }: ForeignHash & { kind: "pbkdf2" },
  maxWebCryptoIterations: number,
): Promise<Uint8Array> {
  const size = hash.byteLength;
  if (iterations <= maxWebCryptoIterations) {
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const algorithm = { name: "PBKDF2", hash: digest, salt, iterations };
    return new Uint8Array(await crypto.subtle.deriveBits(algorithm, key, size * 8));
  }
  const { pbkdf2 } = await import("@noble/hashes/pbkdf2.js");
  const { sha256, sha512 } = await import("@noble/hashes/sha2.js");
  const digestOf = digest === "SHA-512" ? sha512 : sha256;
  return pbkdf2(digestOf, password, salt, { c: iterations, dkLen: size });
}

async function deriveScrypt(
  password: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  { n: N, r, p }: { n: number; r: number; p: number },
  dkLen: number,
): Promise<Uint8Array> {
  const { scrypt } = await import("@noble/hashes/scrypt.js");
  return scrypt(password, salt, { N, r, p, dkLen });
}

// Firebase encrypts the project's signer key under a key that scrypt derives (AES-256-CTR, counter 0): github.com/firebase/scrypt.
async function deriveFirebase(
  password: Uint8Array<ArrayBuffer>,
  hash: ForeignHash & { kind: "firebase" },
): Promise<Uint8Array> {
  const salt = new Uint8Array([...hash.salt, ...hash.separator]);
  const derived = new Uint8Array(await deriveScrypt(password, salt, hash, SCRYPT_KEY_BYTES));
  const key = await crypto.subtle.importKey("raw", derived, "AES-CTR", false, ["encrypt"]);
  const algorithm = { name: "AES-CTR", counter: new Uint8Array(AES_BLOCK_BYTES), length: 64 };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, key, hash.signerKey));
}
