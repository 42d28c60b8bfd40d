import type { MiddlewareHandler } from "hono";
import type { AppEnv } from "./app-env.ts";

const ACCEPTED = /^[A-Za-z0-9_-]{8,128}$/;

/** Gives every request an id, the client's own where it is well-formed, and every response its `X-Request-Id`. */
export const requestId: MiddlewareHandler<AppEnv> = async function requestId(c, next) {
  const given = c.req.header("X-Request-Id") ?? "";
  const id = ACCEPTED.test(given) ? given : crypto.randomUUID();
  c.set("requestId", id);
  await next();
  c.res.headers.set("X-Request-Id", id);
};
