import { toHex } from "./bytes.ts";

/** The place of a request or job in a trace (W3C Trace Context, level 2). Ids are lower-case hex. */
export interface Trace {
  traceId: string;
  /** Identifies this request or job. Whatever it calls names it as its parent. */
  spanId: string;
  /** The span that sent the request; undefined if it named none. */
  parentSpanId: string | undefined;
  /** `trace-flags`: bit 0 is set if the caller may have recorded the request, bit 1 if the trace id is random. */
  flags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ONLY_ZEROS = /^0+$/;
const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
const SAMPLED = 0b01;
const RANDOM_TRACE_ID = 0b10;
const KNOWN_FLAGS = SAMPLED | RANDOM_TRACE_ID;

/**
 * A new span: of the trace that a `traceparent` header names, or of a new trace if there is no header or it is malformed (section
 * 2.2). A header of a later version is read as version 00, as section 4.1 requires.
 */
export function beginSpan(traceparent?: string): Trace {
  const random = toHex(crypto.getRandomValues(new Uint8Array(SPAN_ID_BYTES + TRACE_ID_BYTES)));
  const spanId = random.slice(0, 2 * SPAN_ID_BYTES);
  const parent = parseTraceparent(traceparent ?? "");
  if (parent) return { ...parent, spanId };
  const flags = SAMPLED | RANDOM_TRACE_ID;
  return { traceId: random.slice(2 * SPAN_ID_BYTES), spanId, parentSpanId: undefined, flags };
}

/** The `traceparent` header of a request that a span sends. */
export function toTraceparent({ traceId, spanId, flags }: Trace): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, "0")}`;
}

function parseTraceparent(header: string): Omit<Trace, "spanId"> | undefined {
  const [, version, traceId, parentSpanId, flags, rest] = TRACEPARENT.exec(header) ?? [];
  if (!version || !traceId || !parentSpanId || !flags) return undefined;
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (ONLY_ZEROS.test(traceId) || ONLY_ZEROS.test(parentSpanId)) return undefined;
  return { traceId, parentSpanId, flags: Number.parseInt(flags, 16) & KNOWN_FLAGS };
}
