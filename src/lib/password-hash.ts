import { equalBytes, fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";

/**
 * The most iterations that WebCrypto's PBKDF2 takes in one call on Cloudflare's network;
 * above it `deriveBits` throws NotSupportedError there, though not on a developer's machine.
 */
export const MAX_ITERATIONS_PER_CALL = 100_000;

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORM = /^\$pbkdf2-sha256-chain\$i=(\d{1,8}),c=(\d{1,6})\$([\w-]{22})\$([\w-]{43})$/;

interface StoredHash {
  iterations: number;
  perCall: number;
  salt: Uint8Array<ArrayBuffer>;
  hash: Uint8Array<ArrayBuffer>;
}

/**
 * Hashes a password with PBKDF2-HMAC-SHA-256 and a fresh 128-bit salt. The work is done in chained calls
 * of at most 100,000 iterations, each fed the output of the one before.
 * The text carries its own parameters: `$pbkdf2-sha256-chain$i=600000,c=100000$<salt>$<hash>`.
 */
export async function hashPassword(password: string, iterations: number): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const hash = await deriveChained(prepare(password), salt, iterations, MAX_ITERATIONS_PER_CALL);
  return `$pbkdf2-sha256-chain$i=${iterations},c=${MAX_ITERATIONS_PER_CALL}$${toBase64Url(salt)}$${toBase64Url(hash)}`;
}

/** True when the password made the stored text. A text that is no stored hash matches nothing. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const parsed = parseStoredHash(stored);
  if (!parsed) return false;
  const hash = await deriveChained(
    prepare(password),
    parsed.salt,
    parsed.iterations,
    parsed.perCall,
  );
  return equalBytes(hash, parsed.hash);
}

/** True when the text was made with other parameters than today's, and is to be made anew at the next login. */
export function needsRehash(stored: string, iterations: number): boolean {
  const parsed = parseStoredHash(stored);
  return parsed?.iterations !== iterations || parsed.perCall !== MAX_ITERATIONS_PER_CALL;
}

/** A stored text that no password matches, costing as much to check as a real one. */
export function dummyHash(iterations: number): string {
  const salt = "A".repeat(22);
  const hash = "A".repeat(43);
  return `$pbkdf2-sha256-chain$i=${iterations},c=${MAX_ITERATIONS_PER_CALL}$${salt}$${hash}`;
}

/** PBKDF2 (RFC 8018 section 5.2) in calls of at most `perCall` iterations: the first over the password, each next over the output before it. */
export async function deriveChained(
  password: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
  perCall: number,
): Promise<Uint8Array<ArrayBuffer>> {
  let secret = password;
  for (let left = iterations; left > 0; left -= perCall) {
    const key = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveBits"]);
    const bits = await crypto.subtle.deriveBits(
      { name: "PBKDF2", hash: "SHA-256", salt, iterations: Math.min(left, perCall) },
      key,
      HASH_BYTES * 8,
    );
    secret = new Uint8Array(bits);
  }
  return secret;
}

// One password typed on two keyboards may differ in code points (NIST SP 800-63B section 3.1.1.2).
function prepare(password: string): Uint8Array<ArrayBuffer> {
  return utf8(password.normalize("NFKC"));
}

function parseStoredHash(stored: string): StoredHash | undefined {
  const [, iterations, perCall, saltText, hashText] = FORM.exec(stored) ?? [];
  const salt = fromBase64Url(saltText ?? "");
  const hash = fromBase64Url(hashText ?? "");
  if (!salt?.byteLength || !hash?.byteLength) return undefined;
  return { iterations: Number(iterations), perCall: Number(perCall), salt, hash };
}
