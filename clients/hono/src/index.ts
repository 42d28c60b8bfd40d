import type { Context, MiddlewareHandler } from "hono";
import {
  AuthError,
  createVerifier,
  type Principal,
  requirePermissions,
  type VerifierOptions,
} from "roster-verify";

export {
  AuthError,
  type IntrospectOptions,
  type Principal,
  type VerifierOptions,
} from "roster-verify";

/** What the middleware adds to the context: `new Hono<RosterEnv>()`. */
export interface RosterEnv {
  Variables: { principal: Principal };
}

/**
 * Refuses requests without a valid access token of Roster, with a problem document and `WWW-Authenticate` (RFC 6750). In handlers behind
 * it, `c.get("principal")` is who is calling.
 */
export function roster(options: VerifierOptions): MiddlewareHandler<RosterEnv> {
  const verify = createVerifier(options);
  return guard(async (c) => c.set("principal", await verify(c.req.header("Authorization"))));
}

/** Refuses callers who lack one of the permissions: 403. Use it behind `roster`. */
export function requirePermission(...permissions: string[]): MiddlewareHandler<RosterEnv> {
  return guard((c) => {
    const principal = c.get("principal") as Principal | undefined;
    if (!principal) throw new Error("requirePermission() needs roster() before it.");
    requirePermissions(principal, permissions);
  });
}

function guard(
  check: (c: Context<RosterEnv>) => void | Promise<void>,
): MiddlewareHandler<RosterEnv> {
  return async (c, next) => {
    try {
      await check(c);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      const { body, ...init } = error.toProblem();
      return new Response(body, init);
    }
    return next();
  };
}
