import { equalBytes, fromBase64Url, toBase64Url, utf8 } from "./bytes.ts";
import { isForeignHash, parseForeignHash } from "./foreign-hash/parse.ts";
import { verifyForeignHash } from "./foreign-hash/verify.ts";
import { normalizePassword } from "./text.ts";

/**
 * The maximum number of PBKDF2 iterations per WebCrypto call on Cloudflare's network.
 * With more, `deriveBits` throws NotSupportedError there, but not in local development.
 */
const MAX_ITERATIONS_PER_CALL = 100_000;

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORMAT =
  /^\$pbkdf2-sha256-chain\$i=(\d{1,8}),c=(\d{1,6})(?:,p=([\w-]{1,64}))?\$([\w-]{22})\$([\w-]{43})$/;

/** How new passwords are hashed, and the peppers that older hashes may need. The first pepper is for new hashes. */
export interface HashSettings {
  iterations: number;
  peppers: ReadonlyMap<string, CryptoKey>;
}

interface HashParameters {
  iterations: number;
  perCall: number;
  pepperId: string | undefined;
}

interface StoredHash extends HashParameters {
  salt: Uint8Array<ArrayBuffer>;
  hash: Uint8Array<ArrayBuffer>;
}

/**
 * Hashes a password with PBKDF2-HMAC-SHA-256 and a random 128-bit salt. With a pepper, hashes an HMAC of the password instead.
 * The iterations are split into chained calls of at most 100,000; the output of each is the input of the next. The result contains
 * its parameters: `$pbkdf2-sha256-chain$i=600000,c=100000[,p=<pepper id>]$<salt>$<hash>`.
 */
export async function hashPassword(password: string, settings: HashSettings): Promise<string> {
  const parameters = currentParameters(settings);
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const secret = await prepare(password, settings.peppers.get(parameters.pepperId ?? ""));
  const hash = await deriveChained(secret, salt, parameters.iterations, parameters.perCall);
  return format({ ...parameters, salt, hash });
}

/**
 * True if the password matches the stored hash. A malformed hash, or one whose pepper is unknown, matches no password. For an
 * imported hash, a wrong password also takes the work of one of our own, as the right one does when its hash is then replaced.
 */
export async function verifyPassword(
  password: string,
  stored: string,
  settings: HashSettings,
): Promise<boolean> {
  if (!isForeignHash(stored)) return verifyOwnHash(password, stored, settings);
  if ("fault" in parseForeignHash(stored)) return false;
  if (await verifyForeignHash(password, stored)) return true;
  await verifyOwnHash(password, dummyHash(settings), settings);
  return false;
}

async function verifyOwnHash(
  password: string,
  stored: string,
  { peppers }: HashSettings,
): Promise<boolean> {
  const parsed = parse(stored);
  if (!parsed) return false;
  const pepper = peppers.get(parsed.pepperId ?? "");
  const secret = await prepare(password, pepper);
  const hash = await deriveChained(secret, parsed.salt, parsed.iterations, parsed.perCall);
  const isKnownPepper = parsed.pepperId === undefined || pepper !== undefined;
  return equalBytes(hash, parsed.hash) && isKnownPepper;
}

/** True if the hash was made with other parameters than the current ones, and should be replaced at the next login. */
export function needsRehash(stored: string, settings: HashSettings): boolean {
  const parsed = parse(stored);
  const current = currentParameters(settings);
  return (
    parsed?.iterations !== current.iterations ||
    parsed.perCall !== current.perCall ||
    parsed.pepperId !== current.pepperId
  );
}

/** A hash that no password matches and that takes as much work to verify as a real one. */
export function dummyHash(settings: HashSettings): string {
  return format({
    ...currentParameters(settings),
    salt: new Uint8Array(SALT_BYTES),
    hash: new Uint8Array(HASH_BYTES),
  });
}

/**
 * PBKDF2 (RFC 8018 section 5.2) in chained calls of at most `perCall` iterations. The input of the first call is the secret,
 * that of every other call the output of the previous one.
 */
export async function deriveChained(
  secret: Uint8Array<ArrayBuffer>,
  salt: Uint8Array<ArrayBuffer>,
  iterations: number,
  perCall: number,
): Promise<Uint8Array<ArrayBuffer>> {
  let output = secret;
  for (let left = iterations; left > 0; left -= perCall) {
    const key = await crypto.subtle.importKey("raw", output, "PBKDF2", false, ["deriveBits"]);
    const bits = await crypto.subtle.deriveBits(
      { name: "PBKDF2", hash: "SHA-256", salt, iterations: Math.min(left, perCall) },
      key,
      HASH_BYTES * 8,
    );
    output = new Uint8Array(bits);
  }
  return output;
}

function currentParameters({ iterations, peppers }: HashSettings): HashParameters {
  const [pepperId] = peppers.keys();
  return { iterations, perCall: MAX_ITERATIONS_PER_CALL, pepperId };
}

async function prepare(
  password: string,
  pepper: CryptoKey | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = utf8(normalizePassword(password));
  return pepper ? new Uint8Array(await crypto.subtle.sign("HMAC", pepper, bytes)) : bytes;
}

function format({ iterations, perCall, pepperId, salt, hash }: StoredHash): string {
  const pepper = pepperId === undefined ? "" : `,p=${pepperId}`;
  return `$pbkdf2-sha256-chain$i=${iterations},c=${perCall}${pepper}$${toBase64Url(salt)}$${toBase64Url(hash)}`;
}

function parse(stored: string): StoredHash | undefined {
  const [, iterations, perCall, pepperId, saltText, hashText] = FORMAT.exec(stored) ?? [];
  const salt = fromBase64Url(saltText ?? "");
  const hash = fromBase64Url(hashText ?? "");
  if (!salt?.byteLength || !hash?.byteLength) return undefined;
  return { iterations: Number(iterations), perCall: Number(perCall), pepperId, salt, hash };
}
