import { type SQL, sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { read } from "../../access/read.ts";
import { requireManageable } from "../../access/require.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { deleteAttemptsOfUser } from "../../authentication/attempts/repository.ts";
import { cacheEndedSessions } from "../../authentication/sessions/cache.ts";
import { listLiveSessions } from "../../authentication/sessions/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { requireMatch, type VersionTest } from "../../http/etag.ts";
import {
  deleteUserRow,
  findManagedUser,
  isActiveAdmin,
  whereAdminRemains,
} from "../users/repository.ts";

/** More live sessions than a user can have. */
export const MAX_SESSIONS = 1000;

/**
 * Permanently erases a user, deleted or not: the row, everything that references it, and the data key that decrypts their
 * personal data in the audit trail. The audit trail itself remains. Throws `user_not_found`, `privilege_escalation`,
 * `last_admin`, `version_conflict`, `edit_conflict`.
 */
export async function eraseUser(
  ctx: Context,
  { userId, ifMatch }: { userId: string; ifMatch: VersionTest },
): Promise<void> {
  await retryOnConflict(async () => {
    const { acting, users, sessions } = await read(ctx, {
      users: findManagedUser(ctx.db, userId),
      sessions: listLiveSessions(
        ctx.db,
        userId,
        { now: ctx.now(), since: 0, revokedBefore: 0 },
        { limit: MAX_SESSIONS },
      ),
    });
    const [user] = users;
    if (!user) throw new AppError("user_not_found");
    requireManageable(acting, user);
    requireMatch(ifMatch, user);
    if (isActiveAdmin(user) && !user.anotherAdminRemains) throw new AppError("last_admin");
    const whereAllowed = whereAuthorized(acting, { on: { userId, role: sql`users.role` } });
    // A login increments the version: a session that began after the read prevents the deletion.
    const whereAsRead = sql`${whereAdminRemains} AND users.version = ${user.version}`;
    const { changed } = await commit(
      acting,
      await planErasure(acting, userId, sql`${whereAllowed} AND ${whereAsRead}`, {
        was_deleted: user.deletedAt !== null,
      }),
    );
    const [erased] = changed;
    // As if just refreshed: a refresh since the read may still be writing a record.
    const ended = sessions.map(({ id }) => ({ id, rotatedAt: acting.now() }));
    if (erased) cacheEndedSessions(acting, ended);
    return erased;
  });
}

/** The erasure of a user where the condition holds, as an audited change. */
export async function planErasure(
  ctx: Context,
  userId: string,
  condition: SQL,
  metadata?: { reason?: string; was_deleted?: boolean },
) {
  return {
    change: deleteUserRow(ctx.db, userId, condition),
    event: await createAuditEvent(ctx, {
      action: "user.erased",
      targetType: "user",
      targetId: userId,
      ...(metadata && { metadata }),
    }),
    // Login attempts have no foreign key to the user, so they are not deleted by cascade.
    effects: (recorded: SQL) => ({
      attempts: deleteAttemptsOfUser(ctx.db, userId, recorded),
    }),
  };
}
