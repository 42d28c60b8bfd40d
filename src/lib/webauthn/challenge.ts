import { equalBytes, fromBase64Url, toBase64Url } from "../bytes.ts";
import { computeMac, firstKey } from "../mac.ts";
import { refuse, type Verdict } from "./verdict.ts";

const ID_BYTES = 16;
const TIME_BYTES = 6;
const MAC_BYTES = 32;
const BODY_BYTES = ID_BYTES + TIME_BYTES;

/** What a challenge is good for: one purpose and one person, except that a login by passkey alone does not know the person. */
export type ChallengeScope =
  | { purpose: "login" }
  | { purpose: "register" | "mfa" | "step_up"; userId: string };

/** A challenge that we have minted and that has not expired. */
export interface MintedChallenge {
  /** What is stored once the challenge is spent, until `expiresAt`. */
  id: string;
  /** In milliseconds since the Unix epoch. */
  expiresAt: number;
}

/**
 * A challenge of 72 characters (WebAuthn section 13.4.3): base64url of 16 random bytes, the expiry and an HMAC-SHA-256 over
 * both and the scope. Nothing needs to be stored until it is spent. `expiresAt` is in milliseconds.
 */
export async function mintChallenge(
  { expiresAt, ...scope }: ChallengeScope & { expiresAt: number },
  keys: readonly CryptoKey[],
): Promise<string> {
  const challenge = new Uint8Array(BODY_BYTES + MAC_BYTES);
  crypto.getRandomValues(challenge.subarray(0, ID_BYTES));
  const view = new DataView(challenge.buffer);
  view.setUint16(ID_BYTES, Math.floor(expiresAt / 2 ** 32));
  view.setUint32(ID_BYTES + 2, expiresAt % 2 ** 32);
  challenge.set(await sign(firstKey(keys), challenge.slice(0, BODY_BYTES), scope), BODY_BYTES);
  return toBase64Url(challenge);
}

/** Checks that one of the keys minted the challenge for this scope and that it has not expired. Does no I/O. */
export async function verifyChallenge(
  text: string,
  scope: ChallengeScope,
  keys: readonly CryptoKey[],
  now: number,
): Promise<Verdict<MintedChallenge>> {
  const challenge = fromBase64Url(text);
  if (challenge?.byteLength !== BODY_BYTES + MAC_BYTES) return refuse("wrong_challenge");
  const body = challenge.slice(0, BODY_BYTES);
  const given = challenge.slice(BODY_BYTES);
  for (const key of keys) {
    if (equalBytes(await sign(key, body, scope), given)) return readBody(body, now);
  }
  return refuse("wrong_challenge");
}

function readBody(body: Uint8Array<ArrayBuffer>, now: number): Verdict<MintedChallenge> {
  const view = new DataView(body.buffer);
  const expiresAt = view.getUint16(ID_BYTES) * 2 ** 32 + view.getUint32(ID_BYTES + 2);
  if (expiresAt <= now) return refuse("expired_challenge");
  return { isVerified: true, id: toBase64Url(body.slice(0, ID_BYTES)), expiresAt };
}

function sign(key: CryptoKey, body: Uint8Array, scope: ChallengeScope): Promise<Uint8Array> {
  const owner = scope.purpose === "login" ? "" : scope.userId;
  return computeMac(key, `webauthn challenge v1\n${scope.purpose}\n${owner}`, body);
}
