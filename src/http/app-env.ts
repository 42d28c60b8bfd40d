import type { ConfigResult } from "../config.ts";
import type { Bindings, Context } from "../context.ts";
import type { Meter } from "../lib/meter.ts";
import type { Log } from "../platform/logger.ts";

/** The bindings and variables of a request in Hono. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    /** The id that this service gave the request. */
    requestId: string;
    /** The well-formed `X-Request-Id` of the client. It may be personal data: log it, but never store it. */
    clientRequestId: string | undefined;
    log: Log;
    meter: Meter;
    config: ConfigResult;
    ctx: Context;
  };
}
