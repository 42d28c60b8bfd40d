import type { Principal } from "../access/principal.ts";
import type { ConfigResult } from "../config.ts";
import type { Bindings, Context } from "../context.ts";
import type { Meter } from "../lib/meter.ts";

/** How sure an authentication must be: `exact` asks D1, `recent` takes what KV knew a minute ago. */
type Certainty = "exact" | "recent";

/** How sure to be of a session, by whose it is, and of an API key. */
export interface CertaintyRule {
  user(userId: string): Certainty;
  apiKey: Certainty;
}

/** Finds out who is asking; null when no credential, or none that is good, was sent. */
export type Authenticate = (certainty: CertaintyRule) => Promise<Principal | null>;

/** What Hono carries through a request. */
export interface AppEnv {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    meter: Meter;
    config: ConfigResult;
    ctx: Context;
    authenticate: Authenticate;
  };
}
