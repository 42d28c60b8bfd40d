import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { createMeter, type Meter } from "../lib/meter.ts";
import type { AppEnv } from "./app-env.ts";
import { recordRequest } from "./request-metrics.ts";

/**
 * Measures what a request costs and logs it as one JSON line. If `SERVER_TIMING` is on, it is also in the `Server-Timing` header
 * of the response (W3C). The line contains the pattern of the route, never the path, because paths contain ids. `LOG_SAMPLE_RATE`
 * leaves out successes.
 */
export const requestLog: MiddlewareHandler<AppEnv> = async function requestLog(c, next) {
  const meter = createMeter();
  const start = performance.now();
  c.set("meter", meter);
  await next();
  const durationMs = performance.now() - start;
  const config = c.get("config");
  if (config?.ok && config.config.serverTiming) {
    c.res.headers.set("Server-Timing", toServerTiming(durationMs, meter));
  }
  recordRequest(c, { route: matchedRoute(c), durationMs });
  if (c.res.status < 400 && !isSampled(c)) return;
  const { parentSpanId } = c.get("trace");
  c.get("log")("info", "request", {
    ...(parentSpanId !== undefined && { parent_span_id: parentSpanId }),
    method: c.req.method,
    route: matchedRoute(c),
    status: c.res.status,
    duration_ms: round(durationMs),
    user_id: c.get("ctx")?.access?.principal?.userId ?? null,
    d1: {
      queries: meter.d1.queries,
      rows_read: meter.d1.rowsRead,
      rows_written: meter.d1.rowsWritten,
      ms: round(meter.d1.ms),
    },
    kv: { ...meter.kv, ms: round(meter.kv.ms) },
  });
};

/** True if the success of this request is logged. The answer is the same for all lines of a request. */
export function isSampled(c: HonoContext<AppEnv>): boolean {
  const config = c.get("config");
  return !config?.ok || c.get("sample") < config.config.logSampleRate;
}

/** The pattern of the route that a request matched; null if it matched none. */
export function matchedRoute(c: HonoContext<AppEnv>): string | null {
  const path = routePath(c, -1);
  return path === "/*" || path === "*" ? null : path;
}

function toServerTiming(durationMs: number, { d1, kv }: Meter): string {
  const d1Text = `queries=${d1.queries} rows_read=${d1.rowsRead} rows_written=${d1.rowsWritten}`;
  const kvText = `reads=${kv.reads} writes=${kv.writes}`;
  return `total;dur=${round(durationMs)}, d1;dur=${round(d1.ms)};desc="${d1Text}", kv;dur=${round(kv.ms)};desc="${kvText}"`;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
