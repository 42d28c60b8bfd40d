import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { loginAttempts } from "../db/schema/login-attempts.ts";
import { users } from "../db/schema/users.ts";

/** Whose password is being checked: by a name, in the form in which names are compared, or by id. */
export interface LoginIdentifier {
  kind: "username" | "email" | "id";
  key: string;
}

const COLUMNS = { username: users.usernameKey, email: users.emailKey, id: users.id } as const;

interface AttemptWindow {
  /** Under which attempts on a name that is nobody's are counted. */
  unknownKey: string;
  now: number;
  windowMs: number;
  limit: number;
}

/**
 * Counts an attempt before the password is looked at, under the account whichever of its names is used, else under the name.
 * Returns nothing when the limit is used up: the times within the sliding window are kept, never more than the limit.
 */
export function countLoginAttempt(
  db: Db,
  identifier: LoginIdentifier,
  { unknownKey, now, windowMs, limit }: AttemptWindow,
) {
  const recent = sql`SELECT value FROM json_each(login_attempts.attempts) WHERE value > ${now - windowMs}`;
  return db
    .insert(loginAttempts)
    .values({
      key: attemptKey(identifier, unknownKey),
      attempts: JSON.stringify([now]),
      expiresAt: now + windowMs,
    })
    .onConflictDoUpdate({
      target: loginAttempts.key,
      set: {
        attempts: sql`(SELECT json_group_array(value) FROM (${recent} UNION ALL SELECT ${now}))`,
        expiresAt: now + windowMs,
      },
      setWhere: sql`(SELECT count(*) FROM (${recent})) < ${limit}`,
    })
    .returning({ key: loginAttempts.key, attempts: loginAttempts.attempts });
}

/** The attempts counted for a name, for saying how long a lock-out lasts. */
export function findLoginAttempts(db: Db, identifier: LoginIdentifier, unknownKey: string) {
  return db
    .select({ attempts: loginAttempts.attempts })
    .from(loginAttempts)
    .where(sql`${loginAttempts.key} = ${attemptKey(identifier, unknownKey)}`);
}

/** Forgets the attempts under a key where the condition holds. */
export function deleteLoginAttempts(db: Db, key: string, condition: SQL) {
  return db.delete(loginAttempts).where(and(eq(loginAttempts.key, key), condition));
}

/** Deletes up to `limit` counts that have run out. */
export function deleteExpiredLoginAttempts(db: Db, now: number, limit: number) {
  return db
    .delete(loginAttempts)
    .where(
      sql`${loginAttempts.key} IN (SELECT key FROM login_attempts WHERE expires_at < ${now} LIMIT ${limit})`,
    )
    .returning({ key: loginAttempts.key });
}

/** The account behind a name with what login needs; deleted ones are nobody. */
export function findLoginUser(db: Db, identifier: LoginIdentifier) {
  return db
    .select({
      id: users.id,
      username: users.username,
      email: users.email,
      emailVerified: users.emailVerified,
      passwordHash: users.passwordHash,
      passwordVersion: users.passwordVersion,
      isActive: users.isActive,
      dataKey: users.dataKey,
    })
    .from(users)
    .where(and(eq(COLUMNS[identifier.kind], identifier.key), isNull(users.deletedAt)))
    .limit(1);
}

/** True while the account can log in with the password that was checked. */
export function isLoginStillValid(userId: string, passwordVersion: number): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND owner.password_version = ${passwordVersion}
    AND owner.is_active = 1 AND owner.deleted_at IS NULL)`;
}

/** Notes a login on the account where the condition holds, with a new password hash if there is one, and a data key if there was none. */
export function recordLogin(
  db: Db,
  login: { userId: string; now: number; passwordHash: string | undefined; dataKey: string },
  condition: SQL,
) {
  return db
    .update(users)
    .set({
      lastLoginAt: login.now,
      version: sql`${users.version} + 1`,
      dataKey: sql`coalesce(${users.dataKey}, ${login.dataKey})`,
      ...(login.passwordHash && { passwordHash: login.passwordHash }),
    })
    .where(and(eq(users.id, login.userId), condition));
}

/** Sets a password where the one that was checked is still in force and the condition holds. */
export function updatePassword(
  db: Db,
  password: { userId: string; version: number; hash: string },
  condition: SQL,
) {
  return db
    .update(users)
    .set({ passwordHash: password.hash, passwordVersion: password.version + 1 })
    .where(
      and(eq(users.id, password.userId), eq(users.passwordVersion, password.version), condition),
    )
    .returning({ id: users.id });
}

function attemptKey(identifier: LoginIdentifier, unknownKey: string): SQL {
  const column = sql.identifier(COLUMNS[identifier.kind].name);
  return sql`coalesce((SELECT 'user:' || id FROM users WHERE ${column} = ${identifier.key} AND deleted_at IS NULL), ${unknownKey})`;
}
