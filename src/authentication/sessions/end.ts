import { sql } from "drizzle-orm";
import {
  authorize,
  findPermissionsOfUser,
  findStanding,
  whereAuthorized,
} from "../../access/conditions.ts";
import { isSelf, type Principal } from "../../access/principal.ts";
import { requireCovers, requireStanding } from "../../access/require.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { ifChanged, insertAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { type Page, type PageRequest, readPage } from "../../paging.ts";
import { publishEnded } from "./principal.ts";
import {
  listLiveSessions,
  type RevocationReason,
  revokeSessions,
  type SessionRow,
} from "./repository.ts";

/** A page of a user's live sessions, the newest first. Throws `user_not_found`, `privilege_escalation`. */
export async function getSessionPage(
  ctx: Context,
  principal: Principal,
  userId: string,
  page: PageRequest,
): Promise<Page<SessionRow>> {
  await requireManageableUser(ctx, principal, userId);
  return readPage({
    ...page,
    scope: `sessions of ${userId}`,
    keys: ctx.config.macKeys,
    placeOf: ({ id }) => [id],
    read: (after, limit) =>
      listLiveSessions(ctx.db, userId, { now: ctx.now(), before: after?.[0], limit }),
  });
}

interface EndSessions {
  userId: string;
  /** The one to end; else all. */
  sessionId?: string;
  /** The one to keep when all others end. */
  keepSessionId?: string;
  reason: RevocationReason;
}

/**
 * Ends one session of a user, or all. Whether the principal may is decided again in the statement that ends them.
 * Throws `user_not_found`, `session_not_found`, `privilege_escalation`.
 */
export async function endSessions(
  ctx: Context,
  principal: Principal,
  input: EndSessions,
): Promise<void> {
  const { userId, sessionId, keepSessionId, reason } = input;
  await requireManageableUser(ctx, principal, userId);
  const isOwn = isSelf(principal, userId);
  const now = ctx.now();
  const may = authorize(principal, {
    permissions: isOwn ? [] : ["sessions:revoke"],
    roles: isOwn ? [] : [sql`(SELECT role FROM users WHERE id = ${userId})`],
    now,
  });
  const event = await createAuditEvent(ctx, {
    action: "session.revoked",
    targetType: "user",
    targetId: userId,
    changes: { session_id: { from: sessionId ?? "all", to: keepSessionId ?? null } },
  });
  const [ended, , [standing]] = await ctx.db.batch([
    revokeSessions(
      ctx.db,
      { userId, sessionId, keepSessionId },
      { reason, now },
      whereAuthorized(may),
    ),
    insertAuditEvent(ctx.db, event, ifChanged),
    findStanding(ctx.db, may),
  ]);
  publishEnded(ctx, ended);
  if (ended.length > 0) return;
  requireStanding(standing);
  if (sessionId) throw new AppError("session_not_found");
}

async function requireManageableUser(
  ctx: Context,
  principal: Principal,
  userId: string,
): Promise<void> {
  if (isSelf(principal, userId)) return;
  const [user] = await findPermissionsOfUser(ctx.db, userId);
  if (!user) throw new AppError("user_not_found");
  requireCovers(principal, user.permissions);
}
