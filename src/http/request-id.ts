import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";

// Stricter than hono's request-id, which has no minimum length and accepts `=`.
const ACCEPTED = /^[A-Za-z0-9_-]{8,128}$/;

/** Gives every request an id and returns it in `X-Request-Id`. An id from the client is kept if it is well-formed. */
export const requestId: MiddlewareHandler<AppEnv> = async function requestId(c, next) {
  const given = c.req.header("X-Request-Id") ?? "";
  const id = ACCEPTED.test(given) ? given : crypto.randomUUID();
  c.set("requestId", id);
  await next();
  c.res.headers.set("X-Request-Id", id);
};
