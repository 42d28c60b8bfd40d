import { utf8 } from "./bytes.ts";
import { SECOND } from "./time.ts";

const TIMEOUT_MS = 5 * SECOND;

/** Where notices go, and the key that signs them. */
export interface WebhookTarget {
  url: string;
  key: CryptoKey;
}

interface Message {
  /** The same for every attempt to deliver a message, so that the receiver can recognize a repetition. */
  id: string;
  body: string;
  /** Further headers, which the signature does not cover. */
  headers: Readonly<Record<string, string>>;
}

/**
 * Posts a message, signed as Standard Webhooks 1.0.0 defines it. Redirects are not followed. Rejects unless the receiver answers
 * with a status from 200 to 299 within five seconds.
 */
export async function postWebhook(
  { url, key }: WebhookTarget,
  { id, body, headers }: Message,
): Promise<void> {
  const timestamp = String(Math.floor(Date.now() / SECOND));
  const signature = await crypto.subtle.sign("HMAC", key, utf8(`${id}.${timestamp}.${body}`));
  const response = await fetch(url, {
    method: "POST",
    redirect: "manual",
    headers: {
      ...headers,
      "Content-Type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${toBase64(new Uint8Array(signature))}`,
    },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the webhook returned ${response.status}`);
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/**
 * Imports a secret in the form of Standard Webhooks: `whsec_` and the base64 of 24 to 64 bytes. Throws an Error whose message says
 * what is wrong with it.
 */
export async function importWebhookSecret(text: string): Promise<CryptoKey> {
  const bytes = decodeSecret(text);
  if (!bytes || bytes.byteLength < MIN_SECRET_BYTES || bytes.byteLength > MAX_SECRET_BYTES) {
    throw new Error("must be whsec_ followed by the base64 of 24 to 64 random bytes");
  }
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

function decodeSecret(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(SECRET.exec(text)?.[1] ?? ""), (character) =>
      character.charCodeAt(0),
    );
  } catch {
    return undefined;
  }
}
