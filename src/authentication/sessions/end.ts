import { sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requireManageable, requirePerson } from "../../access/require.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { cacheEndedSessions } from "./cache.ts";
import {
  type EndedSession,
  findUserAuthority,
  type RevocationReason,
  revokeSessions,
} from "./repository.ts";

interface Ending {
  userId: string;
  /** The one to end; else all. */
  sessionId?: string | undefined;
  /** The one to keep when all others end. */
  keepSessionId?: string | undefined;
  reason: RevocationReason;
}

/** Ends the session of the access token that was sent. Throws `unauthenticated` when it has ended already. */
export async function logOut(ctx: Context): Promise<void> {
  const acting = recallPerson(ctx) ?? (await read(ctx, {})).acting;
  const { userId, sessionId } = requirePerson(acting);
  const ended = await endSessions(acting, { userId, sessionId, reason: "logout" });
  if (ended.length === 0) await read(ctx, {});
  Object.assign(acting.access, { isDecided: true, principal: acting.actor });
}

/** Ends one of the caller's own sessions, or with `"others"` all but the one that the request was made in. Throws `session_not_found`. */
export async function endOwnSessions(ctx: Context, which: string): Promise<void> {
  const { acting } = await read(ctx, {});
  const { userId, sessionId: current } = requirePerson(acting);
  const one = which === "others" ? { keepSessionId: current } : { sessionId: which };
  const ended = await endSessions(acting, { userId, ...one, reason: "ended" });
  if (ended.length === 0) await explain(ctx, userId, one.sessionId);
}

/**
 * Ends one session of a user, or all. Whether the caller may is decided again in the statement that ends them.
 * Throws `user_not_found`, `session_not_found`, `privilege_escalation`.
 */
export async function endSessionsOfUser(
  ctx: Context,
  userId: string,
  sessionId?: string,
): Promise<void> {
  const acting = await requireManageableUser(ctx, userId);
  const ended = await endSessions(acting, { userId, sessionId, reason: "ended" });
  if (ended.length === 0) await explain(ctx, userId, sessionId);
}

async function endSessions(acting: Acting, ending: Ending): Promise<EndedSession[]> {
  const { userId, sessionId, keepSessionId, reason } = ending;
  const role = sql`(SELECT role FROM users WHERE id = ${userId})`;
  const where = whereAuthorized(acting, { on: { userId, role } });
  const { changed } = await commit(acting, {
    change: revokeSessions(
      acting.db,
      { userId, sessionId, keepSessionId },
      { reason, now: acting.now() },
      where,
    ),
    event: await createAuditEvent(acting, {
      action: "session.revoked",
      targetType: "user",
      targetId: userId,
      metadata: {
        session_id: sessionId ?? "all",
        ...(keepSessionId && { kept: keepSessionId }),
        reason,
      },
    }),
  });
  cacheEndedSessions(acting, changed);
  return changed;
}

// Nothing has ended: because the caller may no longer do this, or because there is no such session.
async function explain(ctx: Context, userId: string, sessionId: string | undefined) {
  await requireManageableUser(ctx, userId);
  if (sessionId !== undefined) throw new AppError("session_not_found");
}

async function requireManageableUser(ctx: Context, userId: string): Promise<Acting> {
  const { acting, users } = await read(ctx, { users: findUserAuthority(ctx.db, userId) });
  const [user] = users;
  if (!user) throw new AppError("user_not_found");
  requireManageable(acting, user);
  return acting;
}

/**
 * Who sent an access token, as far as this isolate remembers the person's data key, so that logging out takes one round
 * trip. What they may do is not remembered: the statement that ends the session decides.
 */
function recallPerson(ctx: Context): Acting | undefined {
  const { access } = ctx;
  if (access?.credential.type !== "session") return undefined;
  const { userId, sessionId } = access.credential;
  const dataKey = ctx.memory.people.get(userId, ctx.now());
  if (dataKey === undefined) return undefined;
  const actor = {
    type: "user",
    sessionId,
    expiresAt: 0,
    userId,
    username: "",
    role: "",
    permissions: [],
    dataKey,
  } as const;
  return { ...ctx, actor, access };
}
