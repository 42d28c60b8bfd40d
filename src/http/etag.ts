import type { Context as HonoContext } from "hono";
import type { AppEnv } from "./app-env.ts";

/** The strong entity tag of a version of a resource (RFC 9110 section 8.8.3). */
export function toETag(version: number): string {
  return `"${version}"`;
}

/** What `If-Match` demands: undefined when it is absent, else a test of the current version by strong comparison (RFC 9110 section 13.1.1). */
export function parseIfMatch(
  header: string | undefined,
): ((version: number) => boolean) | undefined {
  if (header === undefined) return undefined;
  const tags = splitTags(header);
  return (version) => tags.includes("*") || tags.includes(toETag(version));
}

/** True when `If-None-Match` names this version by weak comparison: the client has it already (RFC 9110 section 13.1.2). */
export function isNotModified(header: string | undefined, version: number): boolean {
  if (header === undefined) return false;
  const tags = splitTags(header).map((tag) => tag.replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(toETag(version));
}

/** Sets the headers of a representation that may be kept but must be revalidated. */
export function setValidator(c: HonoContext<AppEnv>, version: number): void {
  c.header("ETag", toETag(version));
  c.header("Cache-Control", "private, no-cache");
}

function splitTags(header: string): string[] {
  return header.split(",").map((tag) => tag.trim());
}
