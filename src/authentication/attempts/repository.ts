import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { loginAttempts } from "../../db/schema/login-attempts.ts";
import { identifyingColumn, type LoginIdentifier } from "./identifier.ts";

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

/** Deletes the attempts under a key. */
export function forgetAttempts(db: Db, key: string) {
  return deleteLoginAttempts(db, key, sql`true`);
}

/** Deletes the attempts under a key where the condition holds. */
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

/** Under which the attempts of a known account are counted. */
export function attemptKeyOf(userId: string): string {
  return `user:${userId}`;
}

function attemptKey(identifier: LoginIdentifier, unknownKey: string): SQL {
  const column = sql.identifier(identifyingColumn(identifier).name);
  return sql`coalesce((SELECT 'user:' || id FROM users WHERE ${column} = ${identifier.key} AND deleted_at IS NULL), ${unknownKey})`;
}
