import { read } from "../../access/read.ts";
import type { Context } from "../../context.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, voidLinks, whereMailMayBeAsked } from "../../outbox/queue.ts";
import { findAddress } from "./repository.ts";

/** Sends the caller the link again while their address is not confirmed: one per minute, five per hour. The answer never tells. */
export async function resendVerification(ctx: Context, userId: string): Promise<void> {
  const { acting, addresses } = await read(ctx, { addresses: findAddress(ctx.db, userId) });
  const [user] = addresses;
  if (user && !user.emailVerified) await sendVerificationAgain(acting, user);
}

/** Sends a user the link again, within the same limits. */
export async function sendVerificationAgain(
  ctx: Context,
  user: { id: string; email: string },
): Promise<void> {
  const request = { userId: user.id, kind: "verify_email", address: user.email } as const;
  const mayBeAsked = whereMailMayBeAsked(ctx, request);
  const { mail } = await ctx.d1.send({
    // Before the new mail, which would count against the limit.
    ...voidLinks(ctx, user.id, ["verify_email"], mayBeAsked),
    mail: queueMail(ctx, request, mayBeAsked),
  });
  deliverSoon(ctx, mail);
}
