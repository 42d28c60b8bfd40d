import { toHex, utf8 } from "../lib/bytes.ts";
import { SECOND } from "../lib/time.ts";
import { type Correlation, correlationHeaders } from "./correlation.ts";

const TIMEOUT_MS = 2 * SECOND;
const PREFIX_LENGTH = 5;

/**
 * Asks a service that is compatible with Pwned Passwords whether a password is known from a data breach. The service learns only
 * the first five hex digits of the password's SHA-1 (k-anonymity). Throws if it does not respond within two seconds.
 */
export async function isBreached(
  password: string,
  { rangeUrl, ...correlation }: Correlation & { rangeUrl: string },
): Promise<boolean> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-1", utf8(password)));
  const hash = toHex(digest).toUpperCase();
  const base = rangeUrl.endsWith("/") ? rangeUrl : `${rangeUrl}/`;
  const response = await fetch(new URL(hash.slice(0, PREFIX_LENGTH), base), {
    headers: { "Add-Padding": "true", ...correlationHeaders(correlation) },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`range query returned ${response.status}`);
  const suffix = hash.slice(PREFIX_LENGTH);
  const lines = (await response.text()).split(/\r?\n/);
  // Padding lines have a count of zero.
  return lines.some((line) => line.startsWith(`${suffix}:`) && !line.endsWith(":0"));
}
