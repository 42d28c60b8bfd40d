import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { newId } from "../lib/ids.ts";
import { beginSpan } from "../lib/trace.ts";
import { createLog } from "../platform/logger.ts";
import type { AppEnv } from "./app-env.ts";

// Stricter than hono's request-id, which has no minimum length and accepts `=`.
const ACCEPTED = /^[A-Za-z0-9_-]{8,128}$/;

/**
 * Gives every request an id of its own, which log lines and audit events have, a span in the trace of its `traceparent`, and a
 * logger. `X-Request-Id` of the response has the client's id if that is well-formed, or else this one. The client's id is logged and
 * not stored, because it may be personal data.
 */
export const requestId: MiddlewareHandler<AppEnv> = async function requestId(c, next) {
  const given = c.req.header("X-Request-Id") ?? "";
  c.set("requestId", newId());
  c.set("clientRequestId", ACCEPTED.test(given) ? given : undefined);
  c.set("trace", beginSpan(c.req.header("traceparent")));
  c.set("sample", Math.random());
  c.set(
    "log",
    createLog(() => readLogScope(c)),
  );
  await next();
  c.res.headers.set("X-Request-Id", responseRequestId(c));
};

/** The id that the response shows: in `X-Request-Id` and, for an error, in `request_id`. */
export function responseRequestId(c: HonoContext<AppEnv>): string {
  return c.get("clientRequestId") ?? c.get("requestId");
}

function readLogScope(c: HonoContext<AppEnv>) {
  const config = c.get("config");
  const clientRequestId = c.get("clientRequestId");
  const principal = c.get("ctx")?.access?.principal;
  return {
    minLevel: config?.ok ? config.config.logLevel : "info",
    fields: {
      request_id: c.get("requestId"),
      trace_id: c.get("trace").traceId,
      span_id: c.get("trace").spanId,
      ...(clientRequestId !== undefined && { client_request_id: clientRequestId }),
      ...(principal?.type === "api_key" && { api_key_id: principal.keyId }),
    },
  };
}
