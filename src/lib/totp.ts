import { BASE32, encodeBase32 } from "./base32.ts";
import { equalBytes, utf8 } from "./bytes.ts";
import { SECOND } from "./time.ts";

// WebCrypto computes the HMAC. Libraries bring an implementation of their own (otpauth: 9.6 KB gzip) and do not know which step was
// used last.
const ALGORITHM = { name: "HMAC", hash: "SHA-1" } as const;
const SECRET_BYTES = 20;
const DIGITS = 6;
const STEP_SECONDS = 30;
/** How many steps a device's clock may be slow or fast (RFC 6238 section 5.2). */
const SKEW_STEPS = 1;

/** Generates a secret of 160 bits, the length of the hash (RFC 4226 section 4). */
export function mintTotpSecret(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

/** A secret as people type it into an authenticator app: base32 without padding. */
export function encodeTotpSecret(secret: Uint8Array): string {
  return encodeBase32(secret, BASE32);
}

/** The `otpauth` URL of a secret, which apps read from a QR code (Key URI Format). */
export function toOtpauthUrl(secret: Uint8Array, issuer: string, account: string): string {
  const encode = encodeURIComponent;
  const parameters = `secret=${encodeTotpSecret(secret)}&issuer=${encode(issuer)}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_SECONDS}`;
  return `otpauth://totp/${encode(issuer)}:${encode(account)}?${parameters}`;
}

/**
 * The time step of a code that is valid now, or in the step before or after (RFC 6238), and that is later than `after`, the last step
 * that was accepted. Undefined for any other code. White space is ignored, because apps show codes in groups. Takes the same time for
 * every code of six digits.
 */
export async function findTotpStep(
  secret: Uint8Array<ArrayBuffer>,
  code: string,
  { now, after }: { now: number; after: number | null },
): Promise<number | undefined> {
  const digits = utf8(code.replaceAll(/\s/g, ""));
  const key = await crypto.subtle.importKey("raw", secret, ALGORITHM, false, ["sign"]);
  const current = Math.floor(now / (STEP_SECONDS * SECOND));
  let found: number | undefined;
  for (let step = current + SKEW_STEPS; step >= current - SKEW_STEPS; step -= 1) {
    const isEqual = equalBytes(utf8(await computeCode(key, step)), digits);
    if (isEqual && step > (after ?? -1)) found = step;
  }
  return found;
}

// HOTP with the step as the counter (RFC 4226 section 5.3).
async function computeCode(key: CryptoKey, step: number): Promise<string> {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const mac = new DataView(await crypto.subtle.sign(ALGORITHM, key, counter));
  const offset = mac.getUint8(mac.byteLength - 1) & 0xf;
  const truncated = mac.getUint32(offset) & 0x7fffffff;
  return String(truncated % 10 ** DIGITS).padStart(DIGITS, "0");
}
