import { and, desc, eq, gt, gte, isNull, lt, ne, type SQL, sql } from "drizzle-orm";
import type { Proofs } from "../../access/assurance.ts";
import type { UserRef } from "../../access/target.ts";
import { type Db, db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { roles } from "../../db/schema/roles.ts";
import { sessions } from "../../db/schema/sessions.ts";
import { users } from "../../db/schema/users.ts";
import { prepareOnce } from "../../db/statement.ts";
import { firstIdAt } from "../../lib/ids.ts";
import { type Moment, toDay } from "../../lib/time.ts";

export type SessionRow = typeof sessions.$inferSelect;
export type NewSession = Omit<SessionRow, "generation" | "revokedAt" | "revokedReason">;

/** Inserts a session where the condition holds. Returns its id if it was inserted. */
export function insertSession(db: Db, row: NewSession, condition: SQL) {
  const fresh = { ...row, generation: 1, revokedAt: null, revokedReason: null };
  return insertWhere(db, sessions, fresh, condition).returning({ id: sessions.id });
}

/** A session by id, ended or not. */
export function findSession(db: Db, id: string) {
  return db.select().from(sessions).where(eq(sessions.id, id)).limit(1);
}

/** Stored sessions of a user, ended or not, the oldest first, starting after the id in `after`. */
export function listSessionsOfUser(db: Db, user: UserRef, after: string, limit: number) {
  return db
    .select()
    .from(sessions)
    .where(and(eq(sessions.userId, user), gt(sessions.id, after)))
    .orderBy(sessions.id)
    .limit(limit);
}

interface LiveSessions extends Moment {
  /** Sessions that began before this time have expired. They are not read. */
  since: number;
}

/** Live sessions of a user, the newest first: `limit` of them after the id in `before`, or after `skip` sessions. */
export function listLiveSessions(
  db: Db,
  user: UserRef,
  live: LiveSessions,
  { before, skip = 0, limit }: { before?: unknown; skip?: number | undefined; limit: number },
) {
  const whereBefore = typeof before === "string" ? lt(sessions.id, before) : undefined;
  return db
    .select()
    .from(sessions)
    .where(and(whereLiveSessionOf(user, live), whereBefore))
    .orderBy(desc(sessions.id))
    .limit(limit)
    .offset(skip);
}

/** The number of live sessions of a user. */
export function countLiveSessions(db: Db, user: UserRef, live: LiveSessions) {
  return db
    .select({ total: sql<number>`count(*)`.as("total") })
    .from(sessions)
    .where(whereLiveSessionOf(user, live));
}

function whereLiveSessionOf(user: UserRef, { now, since, revokedBefore }: LiveSessions) {
  return and(
    eq(sessions.userId, user),
    isNull(sessions.revokedAt),
    gt(sessions.expiresAt, now),
    gt(sessions.id, firstIdAt(since)),
    gte(sessions.createdAt, revokedBefore),
  );
}

/** A user who is not deleted, with the permissions of their role. */
export function findUserAuthority(db: Db, user: UserRef) {
  return db
    .select({ id: users.id, permissions: roles.permissions })
    .from(users)
    .innerJoin(roles, eq(roles.name, users.role))
    .where(and(eq(users.id, user), isNull(users.deletedAt)));
}

interface Rotation extends Moment {
  sessionId: string;
  generation: number;
  idleMs: number;
}

const rotate = prepareOnce<{
  id: string;
  generation: number;
  next: number;
  now: number;
  idleUntil: number;
  revokedBefore: number;
}>()(({ id, generation, next, now, idleUntil, revokedBefore }) =>
  db
    .update(sessions)
    .set({
      generation: sql`${next}`,
      lastUsedAt: sql`${now}`,
      rotatedAt: sql`${now}`,
      expiresAt: sql`min(${idleUntil}, ${sessions.endsAt})`,
    })
    .where(
      sql`${sessions.id} = ${id} AND ${sessions.generation} = ${generation} AND ${sessions.revokedAt} IS NULL
        AND ${sessions.expiresAt} > ${now} AND ${sessions.createdAt} >= ${revokedBefore} AND EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = sessions.user_id
          AND owner.is_active = 1 AND owner.deleted_at IS NULL)`,
    )
    .returning({ generation: sessions.generation, expiresAt: sessions.expiresAt }),
);

/**
 * Advances a session to its next generation. Of concurrent requests with the live generation, exactly one succeeds, and gets the new
 * state of the session. A trigger records that the user is active today.
 */
export function rotateSession({ sessionId, generation, now, revokedBefore, idleMs }: Rotation) {
  const next = generation + 1;
  const idleUntil = now + idleMs;
  return rotate({ id: sessionId, generation, next, now, idleUntil, revokedBefore });
}

/** Adds proofs to a session, which replace older ones of the same methods, where the condition holds. */
export function updateProofs(db: Db, sessionId: string, proofs: Proofs, condition: SQL) {
  // Sessions of releases that did not store proofs began with a password.
  const stored = sql`iif(${sessions.proofs} = '{}', json_object('pwd', ${sessions.createdAt}), ${sessions.proofs})`;
  return db
    .update(sessions)
    .set({ proofs: sql`json_patch(${stored}, ${JSON.stringify(proofs)})` })
    .where(and(eq(sessions.id, sessionId), condition))
    .returning({ id: sessions.id });
}

interface LoginRecord {
  userId: string;
  now: number;
  passwordHash: string | undefined;
  devices: string[];
  networks: Record<string, number>;
}

/** Records a login on the account where the condition holds. */
export function recordLogin(db: Db, login: LoginRecord, condition: SQL) {
  return db
    .update(users)
    .set({
      lastLoginAt: login.now,
      lastActiveDay: sql`max(coalesce(${users.lastActiveDay}, 0), ${toDay(login.now)})`,
      version: sql`${users.version} + 1`,
      sessionCount: sql`${users.sessionCount} + 1`,
      knownDevices: login.devices,
      knownNetworks: login.networks,
      ...(login.passwordHash && { passwordHash: login.passwordHash }),
    })
    .where(and(eq(users.id, login.userId), condition));
}

export type RevocationReason =
  | "logout"
  | "reuse"
  | "ended"
  | "password_changed"
  | "password_reset"
  | "user_deactivated"
  | "user_deleted"
  | "role_changed"
  | "email_changed"
  | "mfa_required"
  | "factors_reset"
  | "address_proven";

/** The id of a session that has ended, and when its current generation began. */
const endedColumns = { id: sessions.id, rotatedAt: sessions.rotatedAt };
export type EndedSession = Pick<SessionRow, keyof typeof endedColumns>;

/** Ends live sessions of a user where the condition holds: one, all, or all but one. Returns the sessions that ended. */
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
    .returning(endedColumns);
}

/** Part of the active holders of a role who have no second factor, in the order of their rows. */
interface HolderPage {
  role: string;
  /** The row of the last holder of the previous part; 0 for the first. */
  after: number;
  limit: number;
}

const whereWithoutFactor = ({ role, after }: HolderPage) =>
  sql`users.role = ${role} AND users.is_active = 1 AND users.deleted_at IS NULL AND users.mfa_enabled = 0 AND users.rowid > ${after}`;

/** The rows of these holders. */
export function listHoldersWithoutFactor(db: Db, page: HolderPage) {
  return db
    .select({ row: sql<number>`users.rowid`.as("row") })
    .from(users)
    .where(whereWithoutFactor(page))
    .orderBy(sql`users.rowid`)
    .limit(page.limit);
}

/** Ends the live sessions of these holders where the condition holds. Returns the sessions that ended. */
export function revokeSessionsOfHolders(db: Db, page: HolderPage, now: number, condition: SQL) {
  const holders = sql`SELECT users.id FROM users WHERE ${whereWithoutFactor(page)} ORDER BY users.rowid LIMIT ${page.limit}`;
  return db
    .update(sessions)
    .set({ revokedAt: now, revokedReason: "mfa_required" })
    .where(and(sql`${sessions.userId} IN (${holders})`, isNull(sessions.revokedAt), condition))
    .returning(endedColumns);
}

/** True while a role requires a second factor. */
export function whereFactorRequired(role: string): SQL {
  return sql`EXISTS (SELECT 1 FROM roles AS strict WHERE strict.name = ${role} AND strict.require_mfa = 1)`;
}

/**
 * Ends the live sessions of a user beyond the limit, the least recently used first, where the condition holds. Reads them
 * only if the user's `session_count` exceeds the limit.
 */
export function evictSessions(
  db: Db,
  { userId, limit, now }: { userId: string; limit: number; now: number },
  condition: SQL,
) {
  const rows = sql`CASE WHEN (SELECT session_count FROM users WHERE id = ${userId}) > ${limit} THEN -1 ELSE 0 END`;
  return db
    .update(sessions)
    .set({ revokedAt: now, revokedReason: "evicted" })
    .where(
      sql`${sessions.id} IN (SELECT id FROM sessions WHERE user_id = ${userId} AND revoked_at IS NULL AND expires_at > ${now}
        ORDER BY last_used_at DESC, id DESC LIMIT ${rows} OFFSET ${limit}) AND ${condition}`,
    )
    .returning(endedColumns);
}

/** Recounts a user's live sessions if `session_count` exceeds the limit. */
export function recountSessions(
  db: Db,
  { userId, limit, now }: { userId: string; limit: number; now: number },
) {
  const live = sql`(SELECT count(*) FROM sessions WHERE user_id = ${userId} AND revoked_at IS NULL AND expires_at > ${now})`;
  return db
    .update(users)
    .set({ sessionCount: live })
    .where(and(eq(users.id, userId), gt(users.sessionCount, limit)));
}

/**
 * Deletes up to `limit` sessions that expired before `expiredBefore`. Reads only sessions that began before `beganBefore`, which
 * must be early enough that all of them have expired.
 */
export function deleteExpiredSessions(
  db: Db,
  { beganBefore, expiredBefore }: { beganBefore: number; expiredBefore: number },
  limit: number,
) {
  return db
    .delete(sessions)
    .where(
      sql`${sessions.id} IN (SELECT id FROM sessions WHERE id < ${firstIdAt(beganBefore)} AND expires_at < ${expiredBefore}
        ORDER BY id LIMIT ${limit})`,
    )
    .returning({ id: sessions.id });
}
