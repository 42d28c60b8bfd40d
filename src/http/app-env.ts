import type { ConfigResult } from "../config.ts";
import type { Bindings, Context } from "../context.ts";
import type { Meter } from "../lib/meter.ts";

/** The bindings and variables of a request in Hono. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    meter: Meter;
    config: ConfigResult;
    ctx: Context;
  };
}
