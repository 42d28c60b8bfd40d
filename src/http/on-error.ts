import type { ErrorHandler, Context as HonoContext } from "hono";
import { HTTPException } from "hono/http-exception";
import { isTransient } from "../db/errors.ts";
import { AppError, type ErrorCode } from "../errors.ts";
import { describeError } from "../platform/logger.ts";
import type { AppEnv } from "./app-env.ts";
import { PROBLEM_TYPE, toProblem } from "./problem.ts";
import { responseRequestId } from "./request-id.ts";
import { matchedRoute } from "./request-log.ts";

const RETRY_AFTER_SECONDS = "5";

/** Converts everything thrown to a problem document: an AppError as it is, transient D1 errors to 503, anything else to 500. */
export const onError: ErrorHandler<AppEnv> = (error, c) =>
  respondWithError(c, toAppError(error, c));

/** Responds with a problem document (RFC 9457) and the headers that its status requires (RFC 9110 sections 10.2.3 and 11.6.1). */
export function respondWithError(c: HonoContext<AppEnv>, error: AppError): Response {
  const config = c.get("config");
  const appUrl = config?.ok ? config.config.appUrl : undefined;
  const body = toProblem({
    code: error.code,
    detail: error.detail,
    faults: error.faults,
    requestId: responseRequestId(c),
    origin: appUrl ?? new URL(c.req.url).origin,
  });
  return c.body(JSON.stringify({ ...body, ...error.extensions }), error.status, {
    "Content-Type": PROBLEM_TYPE,
    "Cache-Control": "no-store",
    ...(error.status === 401 && { "WWW-Authenticate": challenge(c, error) }),
    ...(error.status === 503 && { "Retry-After": RETRY_AFTER_SECONDS }),
    ...error.headers,
  });
}

// RFC 6750 section 3: the error attribute is only for requests that sent an invalid token.
function challenge(c: HonoContext<AppEnv>, error: AppError): string {
  const sentToken = error.code === "unauthenticated" && c.req.header("Authorization");
  return sentToken ? 'Bearer realm="roster", error="invalid_token"' : 'Bearer realm="roster"';
}

function toAppError(error: Error, c: HonoContext<AppEnv>): AppError {
  if (error instanceof AppError) return error;
  // Hono's validator throws this for a body that is not JSON.
  if (error instanceof HTTPException && error.status === 400) return new AppError("malformed_json");
  const code: ErrorCode = isTransient(error) ? "service_unavailable" : "internal_error";
  const where = { method: c.req.method, route: matchedRoute(c) };
  c.get("log")("error", "request.failed", { ...where, ...describeError(error) });
  return new AppError(code);
}
