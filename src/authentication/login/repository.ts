import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { users } from "../../db/schema/users.ts";
import { identifyingColumn, type LoginIdentifier } from "../attempts/identifier.ts";

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
    .where(and(eq(identifyingColumn(identifier), identifier.key), isNull(users.deletedAt)))
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
