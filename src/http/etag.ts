import type { Context as HonoContext } from "hono";
import type { AppEnv } from "./app-env.ts";

const TAG = { schema: { type: "string" }, example: '"3-6578a7cd08b0"' } as const;

// Declared for the document alone: any text is a valid value of these headers.

/** The request header of a change that applies to one version only. */
export const IfMatch = {
  name: "If-Match",
  in: "header",
  required: false,
  description:
    "An `ETag`, a list of them, or `*`. A stale one changes nothing and is answered with 412.",
  ...TAG,
} as const;

/** The request header of a read that is answered with 304 when nothing has changed. */
export const IfNoneMatch = {
  name: "If-None-Match",
  in: "header",
  required: false,
  description: "The `ETag` of the version that you have.",
  ...TAG,
} as const;

/** What a version is of: an id, because `…/me` is another resource for another caller. */
export interface Versioned {
  id: string;
  version: number;
}

/** The strong entity tag of a version of a resource (RFC 9110 section 8.8.3): the version, and the random end of the id. */
export function toETag({ id, version }: Versioned): string {
  return `"${version}-${id.slice(-12)}"`;
}

/** What `If-Match` demands: undefined when it is absent, else a test of the resource as it is by strong comparison (RFC 9110 section 13.1.1). */
export function parseIfMatch(
  header: string | undefined,
): ((current: Versioned) => boolean) | undefined {
  if (header === undefined) return undefined;
  const tags = splitTags(header);
  return (current) => tags.includes("*") || tags.includes(toETag(current));
}

/** True when `If-None-Match` names this version by weak comparison: the client has it already (RFC 9110 section 13.1.2). */
export function isNotModified(header: string | undefined, current: Versioned): boolean {
  if (header === undefined) return false;
  const tags = splitTags(header).map((tag) => tag.replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(toETag(current));
}

/** Sets the headers of a representation that may be kept but must be revalidated. */
export function setValidator(c: HonoContext<AppEnv>, current: Versioned): void {
  c.header("ETag", toETag(current));
  c.header("Cache-Control", "private, no-cache");
  // `me` is another user for another credential.
  c.header("Vary", "Authorization, X-API-Key", { append: true });
}

function splitTags(header: string): string[] {
  return header.split(",").map((tag) => tag.trim());
}
