import { sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { type Acting, read } from "../../access/read.ts";
import { requireManageable, requirePerson } from "../../access/require.ts";
import { isSelf } from "../../access/self.ts";
import { commit } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { voidLinks } from "../../outbox/queue.ts";
import { cacheEndedSessions } from "./cache.ts";
import {
  type EndedSession,
  findUserAuthority,
  type RevocationReason,
  revokeSessions,
} from "./repository.ts";

interface Ending {
  userId: string;
  /** The session to end. If absent, all sessions end. */
  sessionId?: string | undefined;
  /** The session to keep when all others end. */
  keepSessionId?: string | undefined;
  reason: RevocationReason;
}

/** Ends the session of the access token that was sent. Throws `unauthenticated` if it has already ended. */
export async function logOut(ctx: Context): Promise<void> {
  const acting = findCachedActor(ctx) ?? (await read(ctx, {})).acting;
  const { userId, sessionId } = requirePerson(acting);
  const ended = await endSessions(acting, { userId, sessionId, reason: "logout" });
  if (ended.length === 0) await read(ctx, {});
  Object.assign(acting.access, { isDecided: true, principal: acting.actor });
}

/** Ends one of the caller's sessions or, with `"others"`, all but the session of the request. Throws `session_not_found`. */
export async function endOwnSessions(ctx: Context, which: string): Promise<void> {
  const { acting } = await read(ctx, {});
  const { userId, sessionId: current } = requirePerson(acting);
  const one = which === "others" ? { keepSessionId: current } : { sessionId: which };
  const ended = await endSessions(acting, { userId, ...one, reason: "ended" });
  if (ended.length === 0) await explainRefusal(ctx, userId, one.sessionId);
}

/**
 * Ends one session of a user, or all of them. The statement that ends them checks again that the caller may do so.
 * Throws `user_not_found`, `session_not_found`, `privilege_escalation`.
 */
export async function endSessionsOfUser(
  ctx: Context,
  userId: string,
  sessionId?: string,
): Promise<void> {
  const acting = await requireManageableUser(ctx, userId);
  const ended = await endSessions(acting, { userId, sessionId, reason: "ended" });
  if (ended.length === 0) await explainRefusal(ctx, userId, sessionId);
}

async function endSessions(acting: Acting, ending: Ending): Promise<EndedSession[]> {
  const { userId, sessionId, keepSessionId, reason } = ending;
  const role = sql`(SELECT role FROM users WHERE id = ${userId})`;
  const whereAllowed = whereAuthorized(acting, { on: { userId, role } });
  // Someone else ends all sessions: a pending change of email could be the work of whoever held one of them.
  const voidsChange = sessionId === undefined && !isSelf(acting, userId);
  const { changed } = await commit(acting, {
    change: revokeSessions(
      acting.db,
      { userId, sessionId, keepSessionId },
      { reason, now: acting.now() },
      whereAllowed,
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
    effects: (recorded) =>
      voidsChange ? voidLinks(acting, userId, ["change_email"], recorded) : {},
  });
  cacheEndedSessions(acting, changed);
  return changed;
}

// No session was ended: either the caller may no longer do this, or there is no such session.
async function explainRefusal(ctx: Context, userId: string, sessionId: string | undefined) {
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
 * The user of an access token, if this isolate has cached their wrapped data key, so that logging out takes one round trip.
 * Permissions are not cached: the statement that ends the session decides.
 */
function findCachedActor(ctx: Context): Acting | undefined {
  const { access } = ctx;
  if (access?.credential.type !== "session") return undefined;
  const { userId, sessionId } = access.credential;
  const dataKey = ctx.memory.wrappedDataKeys.get(userId, ctx.now());
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
    proofs: {},
    mfaEnabled: false,
  } as const;
  return { ...ctx, actor, access };
}
