import { updateUser } from "../../accounts/users/repository.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { requireMatch, type VersionTest } from "../../http/etag.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail, voidLinks } from "../../outbox/queue.ts";
import { deleteFactorsOfUser } from "../factors/repository.ts";
import { cacheEndedSessions } from "../sessions/cache.ts";
import { revokeSessions } from "../sessions/repository.ts";
import { manageCredentials } from "./manage.ts";

/**
 * Removes all second factors of a user, those that are not confirmed included, and their recovery codes. Their sessions end, a
 * pending change of email is void, and they get an email. Changes nothing for a user without factors.
 * Throws `user_not_found`, `privilege_escalation`, `version_conflict`.
 */
export async function resetFactors(
  ctx: Context,
  { userId, ifMatch }: { userId: string; ifMatch: VersionTest },
): Promise<void> {
  await manageCredentials(ctx, userId, async ({ acting, user, whereAllowed, hasFactors }) => {
    requireMatch(ifMatch, user);
    if (!hasFactors) return user;
    const { db } = acting;
    const now = acting.now();
    const at = { id: user.id, version: user.version, now };
    const notice = { userId: user.id, kind: "factors_reset", address: user.email } as const;
    const { changed, ended, mail } = await commit(acting, {
      change: updateUser(db, at, { mfaEnabled: false }, whereAllowed),
      event: await createAuditEvent(acting, {
        action: "factors.reset",
        targetType: "user",
        targetId: user.id,
      }),
      effects: (recorded) => ({
        ...deleteFactorsOfUser(db, user.id, recorded),
        ended: revokeSessions(db, { userId: user.id }, { reason: "factors_reset", now }, recorded),
        ...voidLinks(acting, user.id, ["change_email"], recorded),
        mail: queueMail(acting, notice, recorded),
      }),
    });
    cacheEndedSessions(acting, ended);
    deliverSoon(acting, mail);
    return changed[0];
  });
}
