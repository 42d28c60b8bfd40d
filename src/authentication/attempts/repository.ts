import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { loginAttempts } from "../../db/schema/login-attempts.ts";
import { type LoginIdentifier, toIdentifierColumn } from "./identifier.ts";

interface AttemptWindow {
  /** The key under which attempts are counted if no account has the name. */
  unknownKey: string;
  now: number;
  windowMs: number;
  limit: number;
}

/**
 * Counts a login attempt, before the password is checked. Attempts are counted per account, whichever of its names is used, or per
 * name if no account has it. Returns no row once the limit is reached; otherwise the times of the attempts within the sliding
 * window, of which at most `limit` are stored.
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
      key: selectAttemptKey(identifier, unknownKey),
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

/** The attempts counted for a name, which determine how long a lock-out lasts. */
export function findLoginAttempts(db: Db, identifier: LoginIdentifier, unknownKey: string) {
  return db
    .select({ attempts: loginAttempts.attempts })
    .from(loginAttempts)
    .where(sql`${loginAttempts.key} = ${selectAttemptKey(identifier, unknownKey)}`);
}

/** Deletes the attempts under a key. */
export function forgetAttempts(db: Db, key: string) {
  return deleteLoginAttempts(db, key, sql`true`);
}

/** Deletes the attempts under a key where the condition holds. */
export function deleteLoginAttempts(db: Db, key: string, condition: SQL) {
  return db.delete(loginAttempts).where(and(eq(loginAttempts.key, key), condition));
}

/** Deletes up to `limit` counts that have expired. */
export function deleteExpiredLoginAttempts(db: Db, now: number, limit: number) {
  return db
    .delete(loginAttempts)
    .where(
      sql`${loginAttempts.key} IN (SELECT key FROM login_attempts WHERE expires_at < ${now} LIMIT ${limit})`,
    )
    .returning({ key: loginAttempts.key });
}

/** The key under which the attempts of an account are counted. */
export function toAttemptKey(userId: string): string {
  return `user:${userId}`;
}

function selectAttemptKey(identifier: LoginIdentifier, unknownKey: string): SQL {
  const column = sql.identifier(toIdentifierColumn(identifier).name);
  return sql`coalesce((SELECT 'user:' || id FROM users WHERE ${column} = ${identifier.key} AND deleted_at IS NULL), ${unknownKey})`;
}
