import { type UserRow, updateUser } from "../../accounts/users/repository.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { requireMatch, type VersionTest } from "../../http/etag.ts";
import { voidLinks } from "../../outbox/queue.ts";
import { manageCredentials } from "./manage.ts";

/**
 * Marks a user's email as verified and voids the links that would verify or replace it. A verified email stays unchanged.
 * Returns the user.
 * Throws `user_not_found`, `privilege_escalation`, `version_conflict`.
 */
export async function markEmailVerified(
  ctx: Context,
  { userId, ifMatch }: { userId: string; ifMatch: VersionTest },
): Promise<UserRow> {
  return manageCredentials(ctx, userId, async ({ acting, user, whereAllowed }) => {
    requireMatch(ifMatch, user);
    if (user.emailVerified) return user;
    const at = { id: user.id, version: user.version, now: acting.now() };
    const { changed } = await commit(acting, {
      change: updateUser(acting.db, at, { emailVerified: true }, whereAllowed),
      event: await createAuditEvent(acting, {
        action: "email.verified",
        targetType: "user",
        targetId: user.id,
        metadata: { reason: "marked_by_administrator" },
      }),
      effects: (recorded) => voidLinks(acting, user.id, ["verify_email", "change_email"], recorded),
    });
    return changed[0];
  });
}
