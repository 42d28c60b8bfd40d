import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import type { LoginUser } from "../passwords/repository.ts";
import { sendVerificationAgain } from "../verification/resend.ts";

/**
 * Throws `email_not_verified` if logins need a verified email and the user has none, and sends the verification link again. The proof
 * of the login was correct, so this reveals nothing to others.
 */
export async function requireVerifiedEmail(
  ctx: Context,
  user: LoginUser,
  effects?: Statements,
): Promise<void> {
  if (user.emailVerified || !ctx.config.loginRequiresVerifiedEmail) return;
  await recordRefusal(ctx, user, "email_not_verified", effects);
  await sendVerificationAgain(ctx, user);
  throw new AppError("email_not_verified");
}

/** Records a login that was refused although its proof was correct. It is no failed attempt, but the owner can see it. */
export async function recordRefusal(
  ctx: Context,
  user: LoginUser,
  reason: string,
  effects?: Statements,
): Promise<void> {
  const event = await createAuditEvent(ctx, {
    action: "auth.login_failed",
    targetType: "user",
    targetId: user.id,
    metadata: { reason },
    origin: user,
  });
  await recordEvents(ctx, [event], effects);
}
