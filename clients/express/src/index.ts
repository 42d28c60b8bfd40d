import type { Request, RequestHandler } from "express";
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

declare global {
  namespace Express {
    interface Request {
      /** Who is calling, behind the middleware `roster`. */
      principal?: Principal;
    }
  }
}

/**
 * Refuses requests without a valid access token of Roster, with a problem document and `WWW-Authenticate` (RFC 6750). In handlers behind
 * it, `principalOf(req)` is who is calling.
 */
export function roster(options: VerifierOptions): RequestHandler {
  const verify = createVerifier(options);
  return guard(async (req) => {
    req.principal = await verify(req.headers.authorization);
  });
}

/** Refuses callers who lack one of the permissions: 403. Use it behind `roster`. */
export function requirePermission(...permissions: string[]): RequestHandler {
  return guard((req) => requirePermissions(principalOf(req), permissions));
}

/** Who is calling. Throws an error if the middleware `roster` is missing. */
export function principalOf({ principal }: Request): Principal {
  if (!principal) throw new Error("The middleware roster() is missing before this handler.");
  return principal;
}

function guard(check: (req: Request) => void | Promise<void>): RequestHandler {
  return async (req, res, next) => {
    try {
      await check(req);
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      const { status, headers, body } = error.toProblem();
      res.status(status).set(headers).send(body);
      return;
    }
    next();
  };
}
