import { CROCKFORD, encodeBase32 } from "./base32.ts";
import { toBase64Url, utf8 } from "./bytes.ts";

const CODES = 10;
const CODE_BYTES = 10;
const GROUP = /.{4}/g;

/** Generates ten recovery codes of 80 random bits, such as `4k7d-q2m9-x0vb-tn3e`. */
export function mintRecoveryCodes(): string[] {
  return Array.from({ length: CODES }, () => {
    const bytes = crypto.getRandomValues(new Uint8Array(CODE_BYTES));
    return (encodeBase32(bytes, CROCKFORD).match(GROUP) ?? []).join("-");
  });
}

/**
 * The SHA-256 of a recovery code, under which it is stored. The case and everything between letters and digits are ignored, and
 * letters that look like digits are read as digits. A fast hash suffices, because codes are random.
 */
export async function hashRecoveryCode(code: string): Promise<string> {
  const text = code.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const canonical = text.replaceAll("o", "0").replaceAll(/[il]/g, "1");
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(canonical))));
}
