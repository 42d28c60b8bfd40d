import { randomBytes, randomUUID } from "node:crypto";
import { base64url, exportJWK, generateKeyPair, type JWK } from "jose";

/** A new Ed25519 key pair as a private JWK. */
export async function newSigningKey(kidPrefix = ""): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { kty, crv, x, d } = await exportJWK(privateKey);
  return { kty, crv, x, d, kid: kidPrefix + randomUUID(), alg: "EdDSA", use: "sig" } as JWK;
}

/** A new 256-bit MAC key as a symmetric JWK. */
export function newMacKey(kidPrefix = ""): JWK {
  const k = base64url.encode(randomBytes(32));
  return { kty: "oct", k, kid: kidPrefix + randomUUID(), alg: "HS256", use: "sig" };
}
