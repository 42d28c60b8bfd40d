import type { Context } from "../context.ts";
import { AppError } from "../errors.ts";
import { SECOND } from "../lib/time.ts";
import { type AssuranceLevel, assess } from "./assurance.ts";
import type { Principal } from "./principal.ts";
import type { Acting } from "./read.ts";
import type { AccessRequest } from "./rule.ts";

/**
 * Throws `insufficient_user_authentication` unless the user was authenticated recently enough, and with two factors if they have a
 * second one (RFC 9470). For what needs it only in some cases: operations that always need it declare `stepUp: true`.
 * API keys cannot be authenticated again: their scopes suffice where they are admitted.
 */
export function requireStepUp(acting: Acting): void {
  if (acting.access.rule.stepUp === undefined) throw new Error("a step-up that is not declared");
  requireRecent(acting, acting.access, acting.actor);
}

/**
 * As `requireStepUp`, for a principal whose rule always needs it. The age is checked once in a request, so that what it streams does
 * not break off, and again only if the user has meanwhile added a second factor.
 */
export function requireRecent(
  { config, now }: Context,
  access: AccessRequest,
  principal: Principal,
): void {
  const { stepUpMaxAgeSeconds } = config;
  if (principal.type !== "user" || stepUpMaxAgeSeconds === 0) return;
  const needed = principal.mfaEnabled ? "aal2" : "aal1";
  if (access.reached === "aal2" || access.reached === needed) return;
  const recent = assess(principal.proofs, now() - stepUpMaxAgeSeconds * SECOND);
  if (recent && (needed === "aal1" || recent.acr === "aal2")) {
    access.reached = recent.acr;
    return;
  }
  throw insufficientAuthentication(config, needed);
}

/** The error for an authentication that is too old, or with too few factors, with the challenge that says what is needed (RFC 9470). */
export function insufficientAuthentication(
  { stepUpMaxAgeSeconds }: Pick<Context["config"], "stepUpMaxAgeSeconds">,
  needed: AssuranceLevel,
): AppError {
  return new AppError("insufficient_user_authentication", {
    headers: {
      "WWW-Authenticate": `Bearer error="insufficient_user_authentication", acr_values="${needed}", max_age="${stepUpMaxAgeSeconds}"`,
    },
  });
}
