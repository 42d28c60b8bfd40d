import type { Hono, NotFoundHandler } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";
import { respondWithError } from "./on-error.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Answers 404, or 405 with `Allow` where the path has other methods (RFC 9110 section 15.5.6). */
export function notFound(app: Hono<AppEnv>): NotFoundHandler<AppEnv> {
  return (c) => {
    const allowed = METHODS.filter((method) => hasHandler(app, method, c.req.path));
    if (allowed.length === 0) return respondWithError(c, new AppError("not_found"));
    if (allowed.includes("GET")) allowed.push("HEAD");
    const headers = { Allow: allowed.join(", ") };
    return respondWithError(c, new AppError("method_not_allowed", { headers }));
  };
}

function hasHandler(app: Hono<AppEnv>, method: string, path: string): boolean {
  const [handlers] = app.router.match(method, path);
  return handlers.some(([[, route]]) => route.method === method);
}
