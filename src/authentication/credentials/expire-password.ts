import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { voidLinks } from "../../outbox/queue.ts";
import { manageCredentials } from "./manage.ts";
import { expirePasswordOf } from "./repository.ts";

/**
 * Makes a user set a new password at the next login. Sessions stay. Changes nothing for a user without a password, or whose
 * password has already expired. Throws `user_not_found`, `privilege_escalation`.
 */
export async function expirePassword(ctx: Context, userId: string): Promise<void> {
  await manageCredentials(ctx, userId, async ({ acting, user, whereAllowed, passwordExpired }) => {
    if (passwordExpired || !user.hasPassword) return user;
    const { changed } = await commit(acting, {
      change: expirePasswordOf(acting.db, user.id, whereAllowed),
      event: await createAuditEvent(acting, {
        action: "password.expired",
        targetType: "user",
        targetId: user.id,
      }),
      // A pending change of email was authorized with the password, which may be known to others.
      effects: (recorded) => voidLinks(acting, user.id, ["change_email"], recorded),
    });
    return changed[0];
  });
}
