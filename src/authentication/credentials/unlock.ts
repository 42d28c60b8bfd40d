import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { deleteAttemptsOfUser } from "../attempts/repository.ts";
import { manageCredentials } from "./manage.ts";

/**
 * Forgets the failed logins to a user's account and the wrong codes of second factors and of emails, so that no network is locked
 * out of it. Without any, nothing changes.
 * Throws `user_not_found`, `privilege_escalation`.
 */
export async function unlockUser(ctx: Context, userId: string): Promise<void> {
  await manageCredentials(ctx, userId, async ({ acting, user, whereAllowed, hasAttempts }) => {
    if (!hasAttempts) return user;
    const { changed } = await commit(acting, {
      change: deleteAttemptsOfUser(acting.db, user.id, whereAllowed),
      event: await createAuditEvent(acting, {
        action: "user.unlocked",
        targetType: "user",
        targetId: user.id,
      }),
    });
    return changed[0];
  });
}
