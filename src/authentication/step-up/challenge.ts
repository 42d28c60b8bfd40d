import { whereAuthorized } from "../../access/conditions.ts";
import { read } from "../../access/read.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import type { AuthenticationOptions } from "../../lib/webauthn/options.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueNewLink, requireMail } from "../../outbox/queue.ts";
import { createFactorOptions } from "../passkeys/ceremony.ts";
import { listPasskeys } from "../passkeys/repository.ts";

/** The options for a step-up of the caller with a passkey. Stores nothing. Throws `passkey_missing` and `passkeys_unavailable`. */
export async function challengeStepUp(
  ctx: Context,
  userId: string,
): Promise<AuthenticationOptions> {
  const { passkeys } = await read(ctx, { passkeys: listPasskeys(ctx.db, userId) });
  return createFactorOptions(ctx, { purpose: "step_up", userId }, passkeys);
}

/**
 * Sends the caller a code for a step-up to their verified address: at most one per minute and five per hour. Beyond that, the code that
 * was sent before stays valid. Throws `mail_not_configured` and `email_not_verified`.
 */
export async function sendStepUpCode(ctx: Context, userId: string): Promise<void> {
  requireMail(ctx);
  const { acting, account } = await read(ctx, {});
  if (!account.emailVerified) throw new AppError("email_not_verified");
  const request = { userId, kind: "step_up_code", address: account.email } as const;
  const { mail } = await acting.d1.send(queueNewLink(acting, request, whereAuthorized(acting, {})));
  deliverSoon(acting, mail);
}
