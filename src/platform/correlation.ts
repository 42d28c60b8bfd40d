import { type Trace, toTraceparent } from "../lib/trace.ts";

/** What ties a request that the service sends to the request or job that needs it. */
export interface Correlation {
  /** The id that this service gave the request or job. */
  requestId: string;
  trace: Trace;
}

/**
 * Headers for every request that the service sends: `X-Request-Id`, and `traceparent` with the span of the request or job as its
 * parent, which log lines have as `span_id`. A caller's `tracestate` is not passed on, because it may hold anything.
 */
export function correlationHeaders({ requestId, trace }: Correlation): Record<string, string> {
  return { "X-Request-Id": requestId, traceparent: toTraceparent(trace) };
}
