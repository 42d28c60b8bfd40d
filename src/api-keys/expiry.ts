import type { Fault } from "../errors.ts";

/** When a key expires, in milliseconds since the Unix epoch; null for never. */
export function parseExpiry(text: string | null | undefined): number | null {
  return text ? Date.parse(text) : null;
}

/** A fault if an expiry is not in the future. */
export function findExpiryFaults(expiresAt: number | null, now: number): Fault[] {
  if (expiresAt === null || expiresAt > now) return [];
  return [{ path: "expires_at", code: "not_in_future", message: "Must be in the future." }];
}
