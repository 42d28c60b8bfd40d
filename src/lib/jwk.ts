import { importJWK, type JWK } from "jose";
import { fromBase64Url, utf8 } from "./bytes.ts";

/** The prefix of the `kid` of generated development keys, which production refuses. */
export const DEVELOPMENT_KEY_PREFIX = "dev-";

const MIN_MAC_KEY_BYTES = 32;
const KID = /^[\w-]{1,64}$/;

export interface SigningKey {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  publicJwk: JWK;
}

/** Imports a JWK Set of Ed25519 private keys (RFC 8037 section 2), by `kid`. The first key signs. Throws if a key is invalid. */
export async function importSigningKeys(text: string): Promise<ReadonlyMap<string, SigningKey>> {
  const keys = new Map<string, SigningKey>();
  for (const jwk of parseJwkSet(text)) {
    if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || !jwk.d || !jwk.x) {
      throw new Error("every key must be an Ed25519 private key");
    }
    const kid = takeKid(jwk, keys);
    const publicJwk: JWK = { kty: "OKP", crv: "Ed25519", x: jwk.x, kid, use: "sig", alg: "EdDSA" };
    const privateJwk: JWK = { kty: "OKP", crv: "Ed25519", x: jwk.x, d: jwk.d };
    const privateKey = await importEd25519(privateJwk);
    const publicKey = await importEd25519(publicJwk);
    await requirePair(privateKey, publicKey);
    keys.set(kid, { kid, privateKey, publicKey, publicJwk });
  }
  return keys;
}

/** Imports a JWK Set of HMAC-SHA-256 keys of at least 256 bits, by `kid`. The first key signs. Throws if a key is invalid. */
export async function importMacKeys(text: string): Promise<ReadonlyMap<string, CryptoKey>> {
  return importSymmetricKeys(text, { name: "HMAC", hash: "SHA-256" }, ["sign"]);
}

async function importSymmetricKeys(
  text: string,
  algorithm: Parameters<SubtleCrypto["importKey"]>[2],
  usages: ("sign" | "encrypt" | "decrypt")[],
): Promise<ReadonlyMap<string, CryptoKey>> {
  const keys = new Map<string, CryptoKey>();
  for (const jwk of parseJwkSet(text)) {
    const bytes = jwk.kty === "oct" ? fromBase64Url(jwk.k ?? "") : undefined;
    if (!bytes) throw new Error("every key must be a symmetric key (kty oct)");
    if (bytes.byteLength < MIN_MAC_KEY_BYTES)
      throw new Error("every key must have at least 32 bytes");
    const kid = takeKid(jwk, keys);
    keys.set(kid, await crypto.subtle.importKey("raw", bytes, algorithm, false, usages));
  }
  return keys;
}

/** Imports a JWK Set of AES-256-GCM keys that wrap data keys, by `kid`. The first key wraps. Throws if a key is invalid. */
export async function importDataKeys(text: string): Promise<ReadonlyMap<string, CryptoKey>> {
  return importSymmetricKeys(text, "AES-GCM", ["encrypt", "decrypt"]);
}

/** True if a key of the JWK Set was generated for development. */
export function hasDevelopmentKey(text: string): boolean {
  return parseJwkSet(text).some(({ kid }) => String(kid).startsWith(DEVELOPMENT_KEY_PREFIX));
}

async function importEd25519(jwk: JWK): Promise<CryptoKey> {
  try {
    return (await importJWK(jwk, "EdDSA")) as CryptoKey;
  } catch {
    throw new Error("a key is not a valid Ed25519 key");
  }
}

// A mismatched pair would sign tokens that cannot be verified.
async function requirePair(privateKey: CryptoKey, publicKey: CryptoKey): Promise<void> {
  const message = utf8("roster");
  const signature = await crypto.subtle.sign("Ed25519", privateKey, message);
  if (await crypto.subtle.verify("Ed25519", publicKey, signature, message)) return;
  throw new Error("the x of a key does not match its d");
}

function takeKid({ kid }: JWK, taken: ReadonlyMap<string, unknown>): string {
  if (typeof kid !== "string" || !KID.test(kid)) {
    throw new Error("every key must have a kid of 1 to 64 letters, digits, _ and -");
  }
  if (taken.has(kid)) throw new Error("two keys have the same kid");
  return kid;
}

function parseJwkSet(text: string): JWK[] {
  const set = parseJson(text);
  if (!isJwkSet(set)) throw new Error('must be a JWK Set with at least one key: {"keys":[…]}');
  return set.keys;
}

function isJwkSet(value: unknown): value is { keys: JWK[] } {
  if (typeof value !== "object" || value === null || !("keys" in value)) return false;
  const { keys } = value;
  return (
    Array.isArray(keys) &&
    keys.length > 0 &&
    keys.every((key) => typeof key === "object" && key !== null)
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("is not valid JSON");
  }
}
