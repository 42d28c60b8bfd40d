import type { Hono, MiddlewareHandler, NotFoundHandler } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { AppError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";
import { respondWithError } from "./on-error.ts";

/** Responds with 404 to a path that does not exist. */
export const notFound: NotFoundHandler<AppEnv> = (c) =>
  respondWithError(c, new AppError("not_found"));

/** Responds with 405 and `Allow` where the path supports other methods (RFC 9110 section 15.5.6). */
export function refuseMethods(app: Hono<AppEnv>): MiddlewareHandler<AppEnv> {
  return methodNotAllowed({
    app,
    onMethodNotAllowed: (c, methods) => {
      const headers = { Allow: methods.join(", ") };
      return respondWithError(c, new AppError("method_not_allowed", { headers }));
    },
  });
}
