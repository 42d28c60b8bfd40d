import type { Context } from "../../context.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueNewLink, requireMail } from "../../outbox/queue.ts";
import { manageCredentials, requireWithinMailLimits } from "./manage.ts";

/**
 * Sends a user the link that confirms their email. Earlier links are void. Sends nothing if the email is verified.
 * Throws `mail_not_configured`, `user_not_found`, `privilege_escalation`, `rate_limited`.
 */
export async function sendVerification(ctx: Context, userId: string): Promise<void> {
  await manageCredentials(ctx, userId, async ({ acting, user, whereAllowed }) => {
    requireMail(acting);
    if (user.emailVerified) return user;
    const request = { userId: user.id, kind: "verify_email", address: user.email } as const;
    const { mail } = await acting.d1.send(queueNewLink(acting, request, whereAllowed));
    if (mail.length === 0) await requireWithinMailLimits(acting, request);
    deliverSoon(acting, mail);
    return mail[0];
  });
}
