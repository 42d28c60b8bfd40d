import type { Context as HonoContext } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";

const TAG = { schema: { type: "string" }, example: '"3-6578a7cd08b0"' } as const;

// Only for the OpenAPI document. These headers are not validated, because any text is allowed.

/** The `If-Match` header of a change: it applies only to the versions in the header. */
export const IfMatch = {
  name: "If-Match",
  in: "header",
  required: false,
  description:
    "An `ETag`, a comma-separated list of them, or `*`. If none is current, nothing changes and the response is 412.",
  ...TAG,
} as const;

/** The `If-None-Match` header of a read: the response is 304 if nothing has changed. */
export const IfNoneMatch = {
  name: "If-None-Match",
  in: "header",
  required: false,
  description: "The `ETag` of the version that you already have.",
  ...TAG,
} as const;

/** A version of a resource. It includes the id, because `…/me` is a different resource for each caller. */
export interface Versioned {
  id: string;
  version: number;
}

/** The strong ETag of a version of a resource (RFC 9110 section 8.8.3): the version and the last 12 characters of the id. */
export function toETag({ id, version }: Versioned): string {
  return `"${version}-${id.slice(-12)}"`;
}

/** Tests the current version of a resource against `If-Match`. Undefined if the header was not sent. */
export type VersionTest = ((current: Versioned) => boolean) | undefined;

/**
 * Parses `If-Match` (RFC 9110 section 13.1.1). Returns a function that tells whether the current version matches by strong
 * comparison, or undefined if the header is absent.
 */
export function parseIfMatch(header: string | undefined): VersionTest {
  if (header === undefined) return undefined;
  const tags = splitTags(header);
  return (current) => tags.includes("*") || tags.includes(toETag(current));
}

/** Throws `version_conflict` if `If-Match` was sent and the current version does not match it. */
export function requireMatch(ifMatch: VersionTest, current: Versioned): void {
  if (ifMatch && !ifMatch(current)) throw new AppError("version_conflict");
}

/** True if `If-None-Match` matches this version by weak comparison: the client already has it (RFC 9110 section 13.1.2). */
export function isNotModified(header: string | undefined, current: Versioned): boolean {
  if (header === undefined) return false;
  const tags = splitTags(header).map((tag) => tag.replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(toETag(current));
}

/** The headers of a response with an `ETag` that clients can store but must revalidate. */
export function toValidators(current: Versioned) {
  return {
    ETag: toETag(current),
    "Cache-Control": "private, no-cache",
    // `me` is a different user for each credential.
    Vary: "Authorization, X-API-Key",
  };
}

/** Sets `ETag`, and caching headers that let clients store the response but make them revalidate it. */
export function setValidator(c: HonoContext<AppEnv>, current: Versioned): void {
  for (const [name, value] of Object.entries(toValidators(current))) {
    c.header(name, value, { append: name === "Vary" });
  }
}

function splitTags(header: string): string[] {
  return header.split(",").map((tag) => tag.trim());
}
