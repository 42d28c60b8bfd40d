import type { MiddlewareHandler } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { parseId } from "../lib/ids.ts";
import { type Credential, readCredential } from "./credential.ts";
import { requireAdmitted } from "./read.ts";
import type { QueryNeeds, Restricted } from "./rule.ts";

/**
 * Reads the credential of a request, without I/O, so that requests can be counted per caller. Requests without a valid credential
 * pass. If `mayLag` is set, people read their own data from any replica. `queryNeeds` returns what the query parameters need in
 * addition to the rule. Throws `conflicting_credentials`.
 */
export function identify(
  rule: Restricted,
  { mayLag, queryNeeds = () => [] }: { mayLag: boolean; queryNeeds?: QueryNeeds | undefined },
): MiddlewareHandler<AppEnv> {
  return async function identify(c, next) {
    const ctx = c.get("ctx");
    const headers = {
      authorization: c.req.header("Authorization"),
      apiKey: c.req.header("X-API-Key"),
    };
    const credential = await readCredential(headers, ctx);
    const id = c.req.param("id");
    const pathId = id === undefined ? undefined : (parseId(id) ?? id);
    const { replication } = ctx.d1;
    if (replication && mayLag) replication.mayLag = isOwner(credential, pathId);
    if (credential) {
      const needed = queryNeeds(c.req.query());
      const access = { rule, queryNeeds: needed, credential, pathId, isDecided: false };
      c.set("ctx", { ...ctx, access });
    } else if (rule.takesMfaToken) {
      c.set("ctx", { ...ctx, enrollment: { isAdmitted: false } });
    }
    return next();
  };
}

// The owner of an API key is not known before D1 is read.
function isOwner(credential: Credential | null, pathId: string | undefined): boolean {
  if (credential?.type !== "session") return false;
  return pathId === undefined || pathId === "me" || pathId === credential.userId;
}

/**
 * Throws `unauthenticated` if the request has no valid credential. The service checks the operation's rule, in the round trip that
 * reads its data. If the request is refused before that, for example because of an invalid body, the rule is checked here, so that
 * callers who may not call an operation learn nothing about it. Operations that take an `mfa_token` in the body check it themselves.
 */
export const guard: MiddlewareHandler<AppEnv> = async function guard(c, next) {
  const { access, enrollment } = c.get("ctx");
  if (!access && !enrollment) throw new AppError("unauthenticated");
  await next();
  if (!access) {
    // A request without a sound token is told nothing else, not even what is wrong with its body.
    if (enrollment?.isAdmitted || c.res.status === 401 || c.res.status >= 500) return;
    throw insteadOf(c.res, new AppError("unauthenticated"));
  }
  if (access.isDecided) return;
  if (c.res.status < 400) throw new Error("a response before access was decided");
  if (c.res.status >= 500) return;
  await requireAdmitted(c.get("ctx")).catch((error) => {
    throw insteadOf(c.res, error);
  });
};

// The headers of a response remain when another one takes its place. This one says what is wrong with the body.
function insteadOf<E>({ headers }: Response, error: E): E {
  headers.delete("Accept-Patch");
  return error;
}
