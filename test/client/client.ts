// A client that is typed from the OpenAPI document. `npm run check:openapi` generates the types and compiles it: each line that
// must not compile has a `@ts-expect-error`, which is an error itself if the line compiles.
import type { components, operations } from "./openapi.d.ts";

type Responses<Id extends keyof operations> = operations[Id]["responses"];

/** The problem document of an operation for a status. */
type ProblemOf<
  Id extends keyof operations,
  Status extends keyof Responses<Id>,
> = Responses<Id>[Status] extends { content: { "application/problem+json": infer Body } }
  ? Body
  : never;

export function explainConflict({ code }: ProblemOf<"updateUser", 409>): string {
  // @ts-expect-error: the code is misspelt.
  if (code === "emial_taken") return "never";
  // @ts-expect-error: another operation has this code.
  if (code === "role_exists") return "never";
  return code === "email_taken" ? "The address is taken." : "Try again.";
}

/** The code of a status that has only one, which no discriminator names. */
export function isMissing({ code }: ProblemOf<"getRole", 404>): boolean {
  // @ts-expect-error: the code is misspelt.
  if (code === "role_not_fuond") return false;
  // @ts-expect-error: another operation has this code.
  if (code === "user_not_found") return false;
  return code === "role_not_found";
}

/** The code of a problem that is not of a known operation. */
export function isThrottled({ code }: components["schemas"]["Problem"]): boolean {
  // @ts-expect-error: the code is misspelt.
  if (code === "rate_limitted") return false;
  return code === "rate_limited";
}

export function listFields(problem: ProblemOf<"createUser", 422>): string[] {
  return problem.errors.map(({ path }) => path);
}

export function isTooShort({ code }: components["schemas"]["Fault"]): boolean {
  // @ts-expect-error: the code is misspelt.
  if (code === "to_short") return false;
  return code === "too_short";
}

export function readResetToken(problem: ProblemOf<"logIn", 403>): string | undefined {
  // @ts-expect-error: only password_expired has a token.
  if (problem.code === "email_not_verified") return problem.reset_token;
  return problem.code === "password_expired" ? problem.reset_token : undefined;
}

export function listFailures({ checks }: ProblemOf<"getReadiness", 503>): string[] {
  return [checks.d1, checks.kv].flatMap((check) =>
    check.status === "failed" ? [check.detail] : [],
  );
}

export function isLogin({ action }: components["schemas"]["AuditEvent"]): boolean {
  // @ts-expect-error: the action is misspelt.
  if (action === "auth.login_succeded") return true;
  return action === "auth.login_succeeded";
}

export function describeChange(
  changes: components["schemas"]["AuditEvent"]["changes"],
  field: string,
): string {
  const change = changes[field];
  return change ? `${String(change.from)} → ${String(change.to)}` : "not recorded";
}
