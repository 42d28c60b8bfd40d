import { z } from "@hono/zod-openapi";
import type { Context } from "../../context.ts";
import { AppError, type Fault } from "../../errors.ts";
import {
  MAX_PASSWORD_BYTES,
  PASSWORD_RULES,
  type PasswordOwner,
} from "../../lib/password-policy.ts";
import { countCodePoints } from "../../lib/text.ts";
import { isBreached } from "../../platform/breached-passwords.ts";
import { describeError } from "../../platform/logger.ts";

/** A new password. `withPasswordRules` adds the rules that it must meet. */
export const NewPassword = z.string().openapi({
  format: "password",
  description:
    "At least 8 characters and at most 256 bytes. Must not be a common password, and must not contain the username or the part of the email address before the @.",
  example: "SecurePass123!",
});

/** A password to check against the current one. */
export const CurrentPassword = z
  .string()
  .min(1)
  .max(MAX_PASSWORD_BYTES)
  .openapi({ format: "password", example: "SecurePass123!" });

/** Adds the password rules to a body with a new password in `field`, so that violations are reported with all other problems. */
export function withPasswordRules<S extends z.ZodObject>(schema: S, field: string): S {
  let checked = schema;
  for (const { code, message, allows } of PASSWORD_RULES) {
    checked = checked.refine(
      (body: Record<string, unknown>) => allows(String(body[field]), body as PasswordOwner),
      { path: [field], message, params: { code }, when: ({ value }) => hasText(value, field) },
    );
  }
  return checked;
}

function hasText(value: unknown, field: string): boolean {
  return (
    typeof value === "object" && value !== null && typeof Reflect.get(value, field) === "string"
  );
}

/**
 * Checks what a schema alone cannot: the configured minimum length, the names of the password's owner and, if the check is on, known
 * data breaches. If the breach service does not respond, the password is accepted. Throws `validation_failed`.
 */
export async function requireAcceptablePassword(
  ctx: Context,
  password: string,
  owner: PasswordOwner,
  field: string,
): Promise<void> {
  const { minLength } = ctx.config.password;
  const faults: Fault[] = PASSWORD_RULES.filter(({ allows }) => !allows(password, owner)).map(
    ({ code, message }) => ({ path: field, code, message }),
  );
  if (faults.length === 0 && countCodePoints(password) < minLength) {
    const message = `Must have at least ${minLength} characters.`;
    faults.push({ path: field, code: "too_short", message });
  }
  if (faults.length === 0 && (await isKnownBreached(ctx, password))) {
    const message = "Must not be a password that is known from a data breach.";
    faults.push({ path: field, code: "breached", message });
  }
  if (faults.length > 0) throw new AppError("validation_failed", { faults });
}

async function isKnownBreached(ctx: Context, password: string): Promise<boolean> {
  const { breachedPasswordUrl } = ctx.config.password;
  if (!breachedPasswordUrl) return false;
  try {
    return await isBreached(password, {
      rangeUrl: breachedPasswordUrl,
      requestId: ctx.requestId,
    });
  } catch (error) {
    ctx.log("warn", "password.breach_check_failed", describeError(error));
    return false;
  }
}
