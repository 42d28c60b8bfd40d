import { equalBytes, fromBase64Url, toBase64Url } from "./bytes.ts";
import { idFromBytes, idToBytes } from "./ids.ts";
import { computeMac, firstKey } from "./mac.ts";

const PREFIX = "rrt_";
const LABEL = "refresh token v1";
const ID_BYTES = 16;
const GENERATION_BYTES = 6;
const MAC_BYTES = 32;
const BODY_BYTES = ID_BYTES + GENERATION_BYTES;

export interface RefreshTokenClaims {
  sessionId: string;
  generation: number;
}

/**
 * The refresh token of one generation of a session: `rrt_` and base64url of session id, generation and an HMAC-SHA-256
 * over both. It is deterministic: the same claims and key always give the same token.
 */
export async function mintRefreshToken(
  claims: RefreshTokenClaims,
  keys: readonly CryptoKey[],
): Promise<string> {
  const body = encodeBody(claims);
  const token = new Uint8Array(BODY_BYTES + MAC_BYTES);
  token.set(body);
  token.set(await computeMac(firstKey(keys), LABEL, body), BODY_BYTES);
  return PREFIX + toBase64Url(token);
}

/** The claims of a token whose MAC matches one of the keys, or undefined. Does no I/O. */
export async function verifyRefreshToken(
  text: string,
  keys: readonly CryptoKey[],
): Promise<RefreshTokenClaims | undefined> {
  if (!text.startsWith(PREFIX)) return undefined;
  const token = fromBase64Url(text.slice(PREFIX.length));
  if (token?.byteLength !== BODY_BYTES + MAC_BYTES) return undefined;
  const body = token.slice(0, BODY_BYTES);
  const given = token.slice(BODY_BYTES);
  for (const key of keys) {
    if (equalBytes(await computeMac(key, LABEL, body), given)) return decodeBody(body);
  }
  return undefined;
}

function encodeBody({ sessionId, generation }: RefreshTokenClaims): Uint8Array {
  const body = new Uint8Array(BODY_BYTES);
  body.set(idToBytes(sessionId));
  const view = new DataView(body.buffer);
  view.setUint16(ID_BYTES, Math.floor(generation / 2 ** 32));
  view.setUint32(ID_BYTES + 2, generation % 2 ** 32);
  return body;
}

function decodeBody(body: Uint8Array<ArrayBuffer>): RefreshTokenClaims | undefined {
  const sessionId = idFromBytes(body.slice(0, ID_BYTES));
  if (!sessionId) return undefined;
  const view = new DataView(body.buffer);
  const generation = view.getUint16(ID_BYTES) * 2 ** 32 + view.getUint32(ID_BYTES + 2);
  return { sessionId, generation };
}
