import { and, desc, eq, gt, isNull, lt, ne, type SQL, sql } from "drizzle-orm";
import { permissionsOfRole } from "../../access/conditions.ts";
import type { Db } from "../../db/client.ts";
import { sessions } from "../../db/schema/sessions.ts";
import { users } from "../../db/schema/users.ts";

export type SessionRow = typeof sessions.$inferSelect;
export type NewSession = Omit<SessionRow, "generation" | "revokedAt" | "revokedReason">;

/** Starts a session where the condition holds. Returns its id when it did. */
export function insertSession(db: Db, row: NewSession, condition: SQL) {
  return db
    .insert(sessions)
    .select(
      sql`SELECT ${row.id}, ${row.userId}, 1, ${row.createdAt}, ${row.lastUsedAt}, ${row.rotatedAt},
        ${row.expiresAt}, ${row.endsAt}, NULL, NULL, ${row.ip}, ${row.userAgent}, ${row.country}
        WHERE ${condition}`,
    )
    .returning({ id: sessions.id });
}

/** A session by id, ended or not. */
export function findSession(db: Db, id: string) {
  return db.select().from(sessions).where(eq(sessions.id, id)).limit(1);
}

/** Every session of a user that is still kept, ended or not, the oldest first. */
export function listSessionsOfUser(db: Db, userId: string) {
  return db.select().from(sessions).where(eq(sessions.userId, userId)).orderBy(sessions.id);
}

/** Live sessions of a user, the newest first, behind the id given. */
export function listLiveSessions(
  db: Db,
  userId: string,
  { now, before, limit }: { now: number; before: unknown; limit: number },
) {
  return db
    .select()
    .from(sessions)
    .where(
      and(
        eq(sessions.userId, userId),
        isNull(sessions.revokedAt),
        gt(sessions.expiresAt, now),
        typeof before === "string" ? lt(sessions.id, before) : undefined,
      ),
    )
    .orderBy(desc(sessions.id))
    .limit(limit);
}

/** A session with what its user may do, read together so that both are of one moment. Every column has a name of its own. */
export function findSessionAuthority(db: Db, sessionId: string) {
  return db
    .select({
      sessionId: sql<string>`${sessions.id}`.as("session_id"),
      userId: sql<string>`${sessions.userId}`.as("user_id"),
      generation: sessions.generation,
      rotatedAt: sessions.rotatedAt,
      expiresAt: sessions.expiresAt,
      revokedAt: sessions.revokedAt,
      role: users.role,
      isActive: users.isActive,
      deletedAt: users.deletedAt,
      dataKey: users.dataKey,
      permissions: permissionsOfRole(sql`users.role`).as("permissions"),
    })
    .from(sessions)
    .innerJoin(users, eq(users.id, sessions.userId))
    .where(eq(sessions.id, sessionId))
    .limit(1);
}

export type SessionAuthorityRow = Awaited<ReturnType<typeof findSessionAuthority>>[number];

interface Rotation {
  sessionId: string;
  generation: number;
  now: number;
  idleMs: number;
}

/** Moves a session on to its next generation: of all who present the live one at once, the first. */
export function rotateSession(db: Db, { sessionId, generation, now, idleMs }: Rotation) {
  return db
    .update(sessions)
    .set({
      generation: generation + 1,
      lastUsedAt: now,
      rotatedAt: now,
      expiresAt: sql`min(${now + idleMs}, ${sessions.endsAt})`,
    })
    .where(
      and(
        eq(sessions.id, sessionId),
        eq(sessions.generation, generation),
        isNull(sessions.revokedAt),
        sql`${sessions.expiresAt} > ${now}`,
        sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = sessions.user_id
          AND owner.is_active = 1 AND owner.deleted_at IS NULL)`,
      ),
    )
    .returning({ id: sessions.id });
}

export type RevocationReason =
  | "logout"
  | "reuse"
  | "ended"
  | "password_changed"
  | "password_reset"
  | "user_deactivated"
  | "user_deleted"
  | "role_changed";

/** The user has had sessions before, and none from this browser or client. */
export function isUnknownDevice({ id, userId, userAgent }: NewSession): SQL {
  return sql`EXISTS (SELECT 1 FROM sessions AS earlier WHERE earlier.user_id = ${userId} AND earlier.id <> ${id})
    AND NOT EXISTS (SELECT 1 FROM sessions AS same WHERE same.user_id = ${userId} AND same.id <> ${id}
      AND same.user_agent IS ${userAgent})`;
}

/** Ends live sessions of a user where the condition holds: one, or all but the one to keep. Returns the ids of those that ended. */
export function revokeSessions(
  db: Db,
  target: { userId: string; sessionId?: string | undefined; keepSessionId?: string | undefined },
  { reason, now }: { reason: RevocationReason; now: number },
  condition: SQL,
) {
  return db
    .update(sessions)
    .set({ revokedAt: now, revokedReason: reason })
    .where(
      and(
        eq(sessions.userId, target.userId),
        isNull(sessions.revokedAt),
        target.sessionId ? eq(sessions.id, target.sessionId) : undefined,
        target.keepSessionId ? ne(sessions.id, target.keepSessionId) : undefined,
        condition,
      ),
    )
    .returning({ id: sessions.id });
}

/** Ends the live sessions of a user beyond the limit, the least recently used first. */
export function evictSessions(db: Db, userId: string, limit: number, now: number) {
  return db
    .update(sessions)
    .set({ revokedAt: now, revokedReason: "evicted" })
    .where(
      sql`${sessions.id} IN (SELECT id FROM sessions WHERE user_id = ${userId} AND revoked_at IS NULL
        AND expires_at > ${now} ORDER BY last_used_at DESC, id DESC LIMIT -1 OFFSET ${limit})`,
    )
    .returning({ id: sessions.id });
}

/** Deletes up to `limit` sessions that ended before the time given. */
export function deleteExpiredSessions(db: Db, before: number, limit: number) {
  return db
    .delete(sessions)
    .where(
      sql`${sessions.id} IN (SELECT id FROM sessions WHERE expires_at < ${before} ORDER BY expires_at LIMIT ${limit})`,
    )
    .returning({ id: sessions.id });
}
