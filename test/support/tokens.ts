import { env } from "cloudflare:workers";
import {
  base64url,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from "jose";

export const [SIGNING_JWK = {}] = (JSON.parse(env.SIGNING_KEYS) as { keys: JWK[] }).keys;

export type Overrides = Record<string, unknown>;

/** A token with overridden header and claims, signed with the service's key. Undefined overrides remove a member. */
export async function forge(
  token: string,
  header: Overrides,
  payload: Overrides = {},
  jwk: JWK = SIGNING_JWK,
): Promise<string> {
  const protectedHeader = { ...decodeProtectedHeader(token), ...header };
  return new SignJWT(JSON.parse(JSON.stringify({ ...decodeJwt(token), ...payload })))
    .setProtectedHeader(JSON.parse(JSON.stringify(protectedHeader)))
    .sign(await importJWK(jwk, "EdDSA"));
}

/** A token with an overridden header and any signature, assembled by hand. */
export function assemble(token: string, header: Overrides, signature = ""): string {
  const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
  return `${encode({ ...decodeProtectedHeader(token), ...header })}.${token.split(".")[1]}.${signature}`;
}

/** Generates an Ed25519 private key with a kid. */
export async function newSigningJwk(kid: string = crypto.randomUUID()): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  return { ...(await exportJWK(privateKey)), kid };
}

/** A symmetric JWK of `bytes` equal bytes. */
export function octJwk(kid: string, fill = 1, bytes = 32): JWK {
  return { kty: "oct", kid, k: base64url.encode(new Uint8Array(bytes).fill(fill)) };
}

export const jwkSet = (...keys: unknown[]): string => JSON.stringify({ keys });
