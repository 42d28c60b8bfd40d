import { randomBytes, randomUUID } from "node:crypto";
import { base64url, exportJWK, generateKeyPair, type JWK } from "jose";

/** Generates an Ed25519 key pair as a private JWK. */
export async function newSigningKey(kidPrefix = ""): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return { kty, crv, x, d, kid: kidPrefix + randomUUID(), alg: "EdDSA", use: "sig" } as JWK;
}

/** Generates a 256-bit MAC key as a symmetric JWK. */
export function newMacKey(kidPrefix = ""): JWK {
  return { ...newSecretKey(kidPrefix), alg: "HS256", use: "sig" };
}

/** Generates a 256-bit key for wrapping data keys, as a symmetric JWK. */
export function newDataKey(kidPrefix = ""): JWK {
  return { ...newSecretKey(kidPrefix), alg: "A256GCM", use: "enc" };
}

/** Generates every key that the service needs, by setting. */
export async function newKeySettings(kidPrefix = "") {
  return {
    SIGNING_KEYS: JSON.stringify({ keys: [await newSigningKey(kidPrefix)] }),
    MAC_KEYS: JSON.stringify({ keys: [newMacKey(kidPrefix)] }),
    DATA_KEYS: JSON.stringify({ keys: [newDataKey(kidPrefix)] }),
  };
}

function newSecretKey(kidPrefix: string): JWK {
  return { kty: "oct", k: base64url.encode(randomBytes(32)), kid: kidPrefix + randomUUID() };
}
