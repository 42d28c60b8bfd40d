import { z } from "@hono/zod-openapi";
import type { Context } from "../../context.ts";
import type { Fault } from "../../errors.ts";
import { opaqueText } from "../../http/fields.ts";
import {
  countPasswordLength,
  MAX_PASSWORD_LENGTH,
  MIN_PASSWORD_LENGTH,
  PASSWORD_RULES,
  type PasswordOwner,
} from "../../lib/password-policy.ts";
import { isBreached } from "../../platform/breached-passwords.ts";
import { describeError } from "../../platform/logger.ts";

/** A new password. Services check it with `findPasswordFaults`. */
export const NewPassword = z.string().openapi("NewPassword", {
  format: "password",
  minLength: MIN_PASSWORD_LENGTH,
  maxLength: MAX_PASSWORD_LENGTH,
  description:
    "At least 8 characters (or more, as the operator configures) and at most 256 bytes in UTF-8, after normalization to NFKC. Must not be " +
    "a common password, and must not contain the username or the part of the email address before the @, if these have at least " +
    "three characters.",
  example: "SecurePass123!",
});

/** A password to check against the current one. */
export const CurrentPassword = opaqueText(MAX_PASSWORD_LENGTH).openapi({
  format: "password",
  example: "SecurePass123!",
});

/**
 * What is wrong with a new password: the rules, the configured minimum length and, if the check is on and nothing else is
 * wrong, known data breaches. Nothing if there is no password. If the breach service does not respond, the password is
 * accepted.
 */
export async function findPasswordFaults(
  ctx: Context,
  password: string | undefined,
  owner: PasswordOwner,
  path: string,
): Promise<Fault[]> {
  if (password === undefined) return [];
  const { minLength } = ctx.config.password;
  const broken = PASSWORD_RULES.filter(({ allows }) => !allows(password, owner));
  const faults: Fault[] = broken.map(({ code, message }) => ({ path, code, message }));
  if (countPasswordLength(password) < minLength) {
    const message = `Must have at least ${minLength} characters.`;
    return [
      { path, code: "too_short", message },
      ...faults.filter(({ code }) => code !== "too_short"),
    ];
  }
  if (faults.length === 0 && (await isKnownBreached(ctx, password))) {
    const message = "Must not be a password that is known from a data breach.";
    return [{ path, code: "breached", message }];
  }
  return faults;
}

async function isKnownBreached(ctx: Context, password: string): Promise<boolean> {
  const { breachedPasswordUrl } = ctx.config.password;
  if (!breachedPasswordUrl) return false;
  try {
    return await isBreached(password, {
      rangeUrl: breachedPasswordUrl,
      requestId: ctx.requestId,
      trace: ctx.trace,
    });
  } catch (error) {
    ctx.log("warn", "password.breach_check_failed", describeError(error));
    return false;
  }
}
