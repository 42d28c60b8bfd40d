import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { commitNewLink } from "../../outbox/queue.ts";
import { manageCredentials, requireWithinMailLimits } from "./manage.ts";

/**
 * Sends a user the link that resets the password, or the invitation again if the user has no password yet. Earlier links are void.
 * Throws `mail_not_configured`, `user_not_found`, `user_inactive`, `privilege_escalation`, `rate_limited`.
 */
export async function sendReset(ctx: Context, userId: string): Promise<void> {
  await manageCredentials(ctx, userId, async ({ acting, user, whereAllowed }) => {
    if (!user.isActive) throw new AppError("user_inactive");
    const kind = user.hasPassword ? "reset_password" : "invitation";
    const mail = { userId: user.id, kind, address: user.email } as const;
    const { changed } = await commitNewLink(acting, mail, {
      condition: whereAllowed,
      event: await createAuditEvent(acting, {
        action: user.hasPassword ? "password.reset_requested" : "user.invited",
        targetType: "user",
        targetId: user.id,
      }),
    });
    if (changed.length === 0) await requireWithinMailLimits(acting, mail);
    deliverSoon(acting, changed);
    return changed[0];
  });
}
