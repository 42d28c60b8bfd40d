const MAX_LENGTH = 255;

/** A string of structured fields (RFC 8941 section 3.3.3), with its content. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;
const BARE = /^[\x21\x23-\x7e][\x21-\x7e]*$/;

/**
 * The key in an `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header): a quoted string, or the same characters
 * without quotes. Returns undefined for anything else, and for keys that are empty or longer than 255 characters.
 */
export function parseIdempotencyKey(header: string): string | undefined {
  const content = QUOTED.exec(header)?.[1];
  const key = content?.replaceAll(/\\(["\\])/g, "$1") ?? BARE.exec(header)?.[0] ?? "";
  return key.length > 0 && key.length <= MAX_LENGTH ? key : undefined;
}
