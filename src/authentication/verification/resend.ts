import { sql } from "drizzle-orm";
import { read } from "../../access/read.ts";
import type { Context } from "../../context.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueNewLink, requireMail } from "../../outbox/queue.ts";
import { findAddress } from "./repository.ts";

/**
 * Sends the caller the verification link again if their email is not verified: at most one per minute and five per hour. The result
 * does not show whether an email was sent. Throws `mail_not_configured`.
 */
export async function resendVerification(ctx: Context, userId: string): Promise<void> {
  requireMail(ctx);
  const { acting, addresses } = await read(ctx, { addresses: findAddress(ctx.db, userId) });
  const [user] = addresses;
  if (user && !user.emailVerified) await sendVerificationAgain(acting, user);
}

/** Sends a user the verification link again, within the same limits. */
export async function sendVerificationAgain(
  ctx: Context,
  user: { id: string; email: string },
): Promise<void> {
  const request = { userId: user.id, kind: "verify_email", address: user.email } as const;
  const { mail } = await ctx.d1.send(queueNewLink(ctx, request, sql`true`));
  deliverSoon(ctx, mail);
}
