import type { ConfigResult } from "../config.ts";
import type { Actor, Bindings, Context } from "../context.ts";
import type { Meter } from "../lib/meter.ts";

/** How sure an authentication must be: `exact` asks D1, `recent` takes what KV knew a minute ago. */
export type Certainty = "exact" | "recent";

/** Finds out who is asking, as surely as the rule for this user asks; or throws `unauthenticated`. */
export type Authenticate = (certaintyFor: (userId: string) => Certainty) => Promise<Actor>;

/** What Hono carries through a request. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    meter: Meter;
    config: ConfigResult;
    ctx: Context;
    authenticate: Authenticate;
    userId: string;
  };
}
