import { CompactSign, compactVerify } from "jose";
import { toBase64Url, utf8 } from "./bytes.ts";
import type { SigningKey } from "./jwk.ts";
import { DAY } from "./time.ts";

// This file is also used by `npm run audit`, which runs in Node.js.

const ALGORITHM = "EdDSA";
/** The `typ` of seals, so that a seal never passes as another token, nor another token as a seal (RFC 8725 section 3.11). */
const TYPE = "audit-seal+json";

/**
 * The columns of an event as it is sealed and archived, in the order of RFC 8785. A column that is added later must be left out of
 * events that do not have it, because the digests of older days would change.
 */
const EVENT_FIELDS = [
  "action",
  "actor_id",
  "actor_type",
  "changes",
  "created_at",
  "id",
  "metadata",
  "origin_of",
  "request_id",
  "sealed_changes",
  "sealed_origin",
  "target_id",
  "target_type",
] as const;

/** An audit event as it is stored. Only `created_at` is a number: an integer. */
export type StoredEvent = Record<(typeof EVENT_FIELDS)[number], string | number | null> & {
  id: string;
};

/** What a seal says of a day. `count` is the number of its events. */
export interface SealContent {
  day: string;
  count: number;
  first_id: string | null;
  last_id: string | null;
  /** SHA-256 in hex, see `createSealedText`. */
  digest: string;
  previous_digest: string | null;
  /** The id of the key of the signature. */
  kid: string;
}

/** A day of the audit trail that was sealed, as the API and the archive have it. */
export interface Seal extends SealContent {
  /** A compact JWS over the other fields. */
  signature: string;
}

/**
 * An event in the form of RFC 8785 (JSON Canonicalization Scheme). For an object of strings, integers and nulls, that is what
 * JSON.stringify writes, with the members in order.
 */
export function toCanonicalJson(event: StoredEvent): string {
  return JSON.stringify(Object.fromEntries(EVENT_FIELDS.map((name) => [name, event[name]])));
}

/**
 * The text whose SHA-256 is the digest of a day, piece by piece: the digest of the previous day, if there is one, and the lines of
 * the day's events, joined by line feeds. Pieces may be empty.
 */
export function createSealedText(
  previousDigest: string | null,
): (lines: readonly string[]) => string {
  let separator = previousDigest === null ? "" : "\n";
  let head = previousDigest ?? "";
  return (lines) => {
    const text = head + (lines.length > 0 ? separator + lines.join("\n") : "");
    head = "";
    if (lines.length > 0) separator = "\n";
    return text;
  };
}

/** The length of a shortened digest. */
export const SHORT_DIGEST_BYTES = 8;

/** The shortened digests of events, in their order: 8 bytes each, as base64url. */
export async function toShortDigests(lines: readonly string[]): Promise<string> {
  const bytes = new Uint8Array(lines.length * SHORT_DIGEST_BYTES);
  const digests = await Promise.all(
    lines.map((line) => crypto.subtle.digest("SHA-256", utf8(line))),
  );
  for (const [index, digest] of digests.entries()) {
    bytes.set(new Uint8Array(digest, 0, SHORT_DIGEST_BYTES), index * SHORT_DIGEST_BYTES);
  }
  return toBase64Url(bytes);
}

/** Signs what a seal says with a key. */
export async function signSeal(content: Omit<SealContent, "kid">, key: SigningKey): Promise<Seal> {
  const whole = toContent({ ...content, kid: key.kid });
  const signature = await new CompactSign(utf8(JSON.stringify(whole)))
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: TYPE })
    .sign(key.privateKey);
  return { ...whole, signature };
}

/** True if the signature of a seal is that of the key, and the seal says what was signed. */
export async function isSignedBy(seal: Seal, publicKey: CryptoKey): Promise<boolean> {
  try {
    const { payload, protectedHeader } = await compactVerify(seal.signature, publicKey, {
      algorithms: [ALGORITHM],
    });
    const signed = new TextDecoder().decode(payload);
    const isSeal = protectedHeader.typ === TYPE && protectedHeader.kid === seal.kid;
    return isSeal && signed === JSON.stringify(toContent(seal));
  } catch {
    return false;
  }
}

// The members in the order of RFC 8785, without any others.
function toContent(seal: SealContent): SealContent {
  const { count, day, digest, first_id, kid, last_id, previous_digest } = seal;
  return { count, day, digest, first_id, kid, last_id, previous_digest };
}

/** The day of a time in UTC, as YYYY-MM-DD. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The start of a day, in milliseconds since the Unix epoch. */
export function startOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`);
}

/** The day after a day. */
export function dayAfter(day: string): string {
  return dayOf(startOf(day) + DAY);
}

/** The time in a UUIDv7, in milliseconds (RFC 9562 section 5.7). */
export function timeOfId(id: string): number {
  return Number.parseInt(id.replace("-", "").slice(0, 12), 16);
}

/** The names of a day's objects in the archive. */
export function archiveKeysOf(day: string): { events: string; seal: string } {
  return { events: `audit/${day}.ndjson.gz`, seal: `audit/${day}.seal.json` };
}
