import type { MiddlewareHandler } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";

// Of requests and responses: a bookmark of D1, which is a state of the database.
const BOOKMARK_HEADER = "X-D1-Bookmark";

// Four groups of hex digits. D1 itself takes any text, and the names of its constraints.
const FORM = /^[0-9a-f]{8,32}(-[0-9a-f]{8,32}){3}$/;

/** The `X-D1-Bookmark` header of a request, for the OpenAPI document. */
export const Bookmark = {
  name: BOOKMARK_HEADER,
  in: "header",
  required: false,
  description:
    "The `X-D1-Bookmark` of an earlier response. If read replicas are in use, the response is at least as recent as that one.",
  schema: { type: "string", pattern: FORM.source, maxLength: 131 },
  example: "00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683",
} as const;

/** Takes the request's bookmark, from which a replica may answer. Throws `invalid_bookmark`. */
export const readBookmark: MiddlewareHandler<AppEnv> = function readBookmark(c, next) {
  const bookmark = c.req.header(BOOKMARK_HEADER);
  if (bookmark === undefined) return next();
  if (!FORM.test(bookmark)) throw new AppError("invalid_bookmark");
  const { replication } = c.get("ctx").d1;
  if (replication) replication.atLeast = bookmark;
  return next();
};

/** Adds the bookmark that the request has reached to its response, if read replicas are in use and D1 was asked. */
export const sendBookmark: MiddlewareHandler<AppEnv> = async function sendBookmark(c, next) {
  const { replication } = c.get("ctx").d1;
  if (!replication) return next();
  await next();
  if (replication.reached !== undefined) c.res.headers.set(BOOKMARK_HEADER, replication.reached);
};
