import type { JWK } from "jose";
import { toBase64Url } from "../bytes.ts";
import type { CborMap } from "./cbor.ts";
import { signatureFromDer } from "./der.ts";

/** Numbers of the IANA COSE Algorithms registry: ES256 with P-256, EdDSA with Ed25519, RS256. */
export type CoseAlgorithm = -7 | -8 | -257;

/** The algorithms that we ask for, the preferred one first. */
export const COSE_ALGORITHMS: readonly CoseAlgorithm[] = [-8, -7, -257];

// Labels of RFC 9052 section 7.1 and RFC 9053 section 7. The meaning of -1 to -3 depends on the key type.
const LABEL = { keyType: 1, algorithm: 3, curveOrModulus: -1, xOrExponent: -2, y: -3 } as const;
const KEY_TYPE = { okp: 1, ec2: 2, rsa: 3 } as const;
const CURVE = { p256: 1, ed25519: 6 } as const;

const COORDINATE_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
const MIN_MODULUS_BYTES = 256;
const MAX_MODULUS_BYTES = 512;
const EXPONENT_65537 = "AQAB";

type KeyAlgorithm = Parameters<SubtleCrypto["importKey"]>[2] &
  Parameters<SubtleCrypto["verify"]>[0];

interface Scheme {
  /** The JWK of a COSE key of this algorithm, or undefined if its type, curve or parameters are others. */
  toJwk: (key: CborMap) => JWK | undefined;
  algorithm: KeyAlgorithm;
  /** The signature as WebCrypto takes it, or undefined if it is malformed. */
  toRaw: (signature: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | undefined;
}

const SCHEMES: Record<CoseAlgorithm, Scheme> = {
  [-7]: {
    toJwk: toEcJwk,
    algorithm: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    toRaw: (signature) => signatureFromDer(signature, COORDINATE_BYTES),
  },
  [-8]: {
    toJwk: toEdJwk,
    algorithm: { name: "Ed25519" },
    // The runtime throws for other lengths.
    toRaw: (signature) =>
      signature.byteLength === ED25519_SIGNATURE_BYTES ? signature : undefined,
  },
  [-257]: {
    toJwk: toRsaJwk,
    algorithm: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
    toRaw: (signature) => signature,
  },
};

/** A public key as it is stored: its algorithm, and the key as JSON of a JWK (RFC 7517). */
export interface StoredPublicKey {
  algorithm: CoseAlgorithm;
  publicKey: string;
}

/** The algorithm of a public key as it is stored: each type of key is stored for one algorithm only. */
export function algorithmOf(publicKey: string): CoseAlgorithm {
  const { kty } = JSON.parse(publicKey) as { kty: "EC" | "OKP" | "RSA" };
  return ALGORITHM_OF_TYPE[kty];
}

const ALGORITHM_OF_TYPE = { EC: -7, OKP: -8, RSA: -257 } as const;

/**
 * Converts a COSE key (RFC 9052 section 7), or returns undefined if its algorithm is not among those asked for, does not
 * agree with its type and curve, or its parameters are not a valid key: a point off the curve, an RSA modulus of fewer than
 * 2048 or more than 4096 bits, an exponent other than 65537.
 */
export async function importCoseKey(
  key: CborMap,
  algorithms: readonly CoseAlgorithm[],
): Promise<StoredPublicKey | undefined> {
  const algorithm = algorithms.find((asked) => asked === key.get(LABEL.algorithm));
  const jwk = algorithm && SCHEMES[algorithm].toJwk(key);
  if (!jwk) return undefined;
  const stored = { algorithm, publicKey: JSON.stringify(jwk) };
  try {
    await importPublicKey(stored);
    return stored;
  } catch {
    return undefined;
  }
}

/** True if the signature over the data was made with the key. Throws if the stored key is not one that we have stored. */
export async function isSignedBy(
  stored: StoredPublicKey,
  signature: Uint8Array<ArrayBuffer>,
  data: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  const { algorithm, toRaw } = SCHEMES[stored.algorithm];
  const raw = toRaw(signature);
  if (!raw) return false;
  return crypto.subtle.verify(algorithm, await importPublicKey(stored), raw, data);
}

async function importPublicKey({ algorithm, publicKey }: StoredPublicKey): Promise<CryptoKey> {
  const jwk = JSON.parse(publicKey) as JWK & { kty: string };
  return crypto.subtle.importKey("jwk", jwk, SCHEMES[algorithm].algorithm, false, ["verify"]);
}

function toEcJwk(key: CborMap): JWK | undefined {
  if (key.get(LABEL.keyType) !== KEY_TYPE.ec2) return undefined;
  if (key.get(LABEL.curveOrModulus) !== CURVE.p256) return undefined;
  const x = readBytes(key, LABEL.xOrExponent, COORDINATE_BYTES);
  const y = readBytes(key, LABEL.y, COORDINATE_BYTES);
  return x && y && { kty: "EC", crv: "P-256", x: toBase64Url(x), y: toBase64Url(y) };
}

function toEdJwk(key: CborMap): JWK | undefined {
  if (key.get(LABEL.keyType) !== KEY_TYPE.okp) return undefined;
  if (key.get(LABEL.curveOrModulus) !== CURVE.ed25519) return undefined;
  const x = readBytes(key, LABEL.xOrExponent, COORDINATE_BYTES);
  return x && { kty: "OKP", crv: "Ed25519", x: toBase64Url(x) };
}

function toRsaJwk(key: CborMap): JWK | undefined {
  if (key.get(LABEL.keyType) !== KEY_TYPE.rsa) return undefined;
  const modulus = readBytes(key, LABEL.curveOrModulus);
  const exponent = readBytes(key, LABEL.xOrExponent);
  if (!modulus || !exponent || toBase64Url(exponent) !== EXPONENT_65537) return undefined;
  if (modulus.byteLength < MIN_MODULUS_BYTES || modulus.byteLength > MAX_MODULUS_BYTES) {
    return undefined;
  }
  // A leading zero would hide a shorter modulus; in the shortest one, the first bit must be set.
  const first = modulus[0] ?? 0;
  if (first < (modulus.byteLength === MIN_MODULUS_BYTES ? 0x80 : 1)) return undefined;
  return { kty: "RSA", n: toBase64Url(modulus), e: EXPONENT_65537 };
}

function readBytes(key: CborMap, label: number, byteLength?: number): Uint8Array | undefined {
  const value = key.get(label);
  if (!(value instanceof Uint8Array)) return undefined;
  return byteLength === undefined || value.byteLength === byteLength ? value : undefined;
}
