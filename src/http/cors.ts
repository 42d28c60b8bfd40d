import type { MiddlewareHandler } from "hono";
import { cors as honoCors } from "hono/cors";
import type { AppEnv } from "./app-env.ts";

const ONE_DAY_SECONDS = 86_400;

const applyCors = honoCors({
  origin: (origin, c) => {
    const { config } = c.var as AppEnv["Variables"];
    const listed = config.ok ? config.config.corsOrigins : [];
    if (listed.includes("*")) return "*";
    return listed.includes(origin) ? origin : null;
  },
  allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  allowHeaders: [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-API-Key",
    "X-D1-Bookmark",
    "X-Request-Id",
    "traceparent",
  ],
  exposeHeaders: [
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    "X-D1-Bookmark",
    "X-Request-Id",
  ],
  maxAge: ONE_DAY_SECONDS,
});

/** Allows requests from `CORS_ORIGINS`, without cookies. OPTIONS requests that are not preflight requests go to the routes. */
export const cors: MiddlewareHandler<AppEnv> = async function cors(c, next) {
  const isPreflight =
    c.req.header("Origin") !== undefined &&
    c.req.header("Access-Control-Request-Method") !== undefined;
  if (c.req.method === "OPTIONS" && !isPreflight) return next();
  const config = c.get("config");
  // Without allowed origins, no CORS headers are needed.
  if (!isPreflight && config.ok && config.config.corsOrigins.length === 0) return next();
  return applyCors(c, next);
};
