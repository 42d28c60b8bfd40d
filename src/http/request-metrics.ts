import type { Context as HonoContext } from "hono";
import { type Bindings, getIsolate } from "../context.ts";
import { db } from "../db/client.ts";
import { connect } from "../db/connection.ts";
import { addCounts } from "../db/metric-counters.ts";
import { createMeter } from "../lib/meter.ts";
import { SECOND } from "../lib/time.ts";
import { describeError, type Log } from "../platform/logger.ts";
import { type Count, DURATION_BOUNDS } from "../platform/metrics.ts";
import type { AppEnv } from "./app-env.ts";

/** Methods of requests that have a label of their own. A client can make up others. */
const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/** The labels of requests whose path or method does not exist. */
const UNKNOWN = "unknown";

interface Subject {
  bindings: Bindings;
  log: Log;
  waitUntil(work: Promise<unknown>): void;
}

/**
 * Counts a request for /metrics, and writes a data point to Workers Analytics Engine if the binding `METRICS` exists. `route` is the
 * pattern of the route, or null. Neither contains an id or an address.
 */
export function recordRequest(
  c: HonoContext<AppEnv>,
  { route, durationMs }: { route: string | null; durationMs: number },
): void {
  const { count } = getIsolate(c.env).memory.counts;
  const labels = {
    route: route === null || route.endsWith("/*") ? UNKNOWN : route,
    method: METHODS.has(c.req.method) ? c.req.method : UNKNOWN,
  };
  const { status } = c.res;
  count("roster_http_requests_total", { ...labels, status: String(status) });
  countDuration(count, labels.route, durationMs / SECOND);
  const { d1, kv } = c.get("meter");
  count("roster_d1_round_trips_total", {}, d1.queries);
  count("roster_d1_rows_read_total", {}, d1.rowsRead);
  count("roster_d1_rows_written_total", {}, d1.rowsWritten);
  count("roster_kv_operations_total", { operation: "read" }, kv.reads);
  count("roster_kv_operations_total", { operation: "write" }, kv.writes);
  c.env.METRICS?.writeDataPoint({
    indexes: [labels.route],
    blobs: [labels.route, labels.method, `${Math.floor(status / 100)}xx`, countryOf(c)],
    doubles: [durationMs, d1.queries, d1.rowsRead, d1.rowsWritten, kv.reads, kv.writes],
  });
  writeCountsLater({
    bindings: c.env,
    log: c.get("log"),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  });
}

// Only if it is needed, because the runtime parses `cf` on each access.
function countryOf(c: HonoContext<AppEnv>): string {
  const country = c.req.raw.cf?.country;
  return typeof country === "string" ? country : "";
}

function countDuration(count: Count, route: string, seconds: number): void {
  const le =
    DURATION_BOUNDS.find((bound) => bound === "+Inf" || seconds <= Number(bound)) ?? "+Inf";
  count("roster_http_request_duration_seconds_bucket", { route, le });
  count("roster_http_request_duration_seconds_sum", { route }, seconds);
}

/**
 * Adds the counts of this isolate to D1 after the response, at most once per 30 seconds. The wait is a promise of this request: if
 * it is cut off, the next request plans the write again.
 */
export function writeCountsLater(subject: Subject): void {
  const { counts } = getIsolate(subject.bindings).memory;
  const dueAt = counts.planWrite(Date.now());
  if (dueAt === undefined) return;
  const waited = scheduler.wait(Math.max(0, dueAt - Date.now()));
  subject.waitUntil(waited.then(() => writeDueCounts(subject)));
}

// A write that fails or whose answer is lost is repeated with the next one that is due.
async function writeDueCounts({ bindings, log }: Subject): Promise<void> {
  const { counts } = getIsolate(bindings).memory;
  const now = Date.now();
  const batch = counts.takeDue(now);
  if (!batch) return;
  try {
    await connect(bindings.DB, createMeter()).send(addCounts(db, batch, now));
    counts.confirm(batch);
  } catch (error) {
    log("warn", "metrics.write_failed", describeError(error));
  }
}
