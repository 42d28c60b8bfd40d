import { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import type { AppEnv } from "./app-env.ts";

/** The request header of a change that is to hit no other version than this. */
export const IfMatch = z.object({
  "if-match": z.string().optional().openapi({
    description: "An `ETag`, a list of them, or `*`: a stale one changes nothing and is 412.",
    example: '"3-6578a7cd08b0"',
  }),
});

/** The request header of a read that is to answer 304 when nothing has changed. */
export const IfNoneMatch = z.object({
  "if-none-match": z.string().optional().openapi({
    description: "The `ETag` of the version that you have.",
    example: '"3-6578a7cd08b0"',
  }),
});

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
