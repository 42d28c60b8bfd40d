import type { z } from "@hono/zod-openapi";
import type { Context as HonoContext } from "hono";
import type { ConfigResult } from "../config.ts";
import type { Bindings, Context } from "../context.ts";
import type { Meter } from "../lib/meter.ts";
import type { Trace } from "../lib/trace.ts";
import type { Log } from "../platform/logger.ts";

/** The bindings and variables of a request in Hono. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    /** The id that this service gave the request. */
    requestId: string;
    /** The well-formed `X-Request-Id` of the client. It may be personal data: log it, but never store it. */
    clientRequestId: string | undefined;
    trace: Trace;
    /** A random number from 0 to 1: the successes below `LOG_SAMPLE_RATE` are logged. */
    sample: number;
    log: Log;
    meter: Meter;
    config: ConfigResult;
    ctx: Context;
    /** What the request must look like, from the declaration of its operation. */
    rules: RequestRules | undefined;
    /** Whether the request came without a body, where the operation needs one. */
    isBodyMissing: boolean | undefined;
    /** Whether the request came without a body, where the operation can do without. */
    isBodyLeftOut: boolean | undefined;
  };
}

/** What the request of an operation must look like, and what else is checked of it. */
export interface RequestRules {
  query: z.ZodType;
  params: z.ZodType | undefined;
  body: z.ZodType | undefined;
  /** Whether the operation takes an `Idempotency-Key`. On others it is ignored. */
  takesIdempotencyKey: boolean;
  /**
   * What only the service can find wrong, of the fields of the body that are valid. Throws as the service does: `validation_failed`
   * adds its faults to those of the schemas, and 401 and 403 take precedence.
   */
  check?: ((c: HonoContext<AppEnv>, fields: object) => Promise<unknown>) | undefined;
  /** Fields that the operation returns. Those that it does not take are read-only. */
  readOnly: readonly string[];
}
