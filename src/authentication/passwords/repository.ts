import { and, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { users } from "../../db/schema/users.ts";
import { type LoginIdentifier, toIdentifierColumn } from "../attempts/identifier.ts";
import { acceptInvitation, whereActiveWithEmail } from "../first-proof/repository.ts";

/** The account with an identifier, and what login needs of it, if the condition holds. Deleted accounts are not found. */
export function findLoginUser(
  db: Db,
  identifier: Pick<LoginIdentifier, "kind"> & { key: string | SQL },
  condition?: SQL,
) {
  return db
    .select({
      id: users.id,
      username: users.username,
      email: users.email,
      emailVerified: users.emailVerified,
      passwordHash: users.passwordHash,
      passwordVersion: users.passwordVersion,
      passwordExpired: users.passwordExpired,
      isActive: users.isActive,
      dataKey: users.dataKey,
      knownDevices: users.knownDevices,
      knownNetworks: users.knownNetworks,
      mfaEnabled: users.mfaEnabled,
    })
    .from(users)
    .where(
      and(eq(toIdentifierColumn(identifier), identifier.key), isNull(users.deletedAt), condition),
    )
    .limit(1);
}

export type LoginUser = Awaited<ReturnType<typeof findLoginUser>>[number];

/**
 * True while the account can log in, the password has not changed since it was checked, and what `whereOwner` says of the user, as
 * `owner`, holds.
 */
export function wherePasswordInForce(
  userId: string,
  passwordVersion: number,
  whereOwner = sql`true`,
): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND owner.password_version = ${passwordVersion}
    AND owner.is_active = 1 AND owner.deleted_at IS NULL AND ${whereOwner})`;
}

/** True while an active account has no password. */
export function whereNoPassword(userId: string): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND owner.password_hash IS NULL
    AND owner.is_active = 1 AND owner.deleted_at IS NULL)`;
}

/** Whether a user can log in otherwise, which the condition decides. */
export function findOtherLogin(db: Db, whereOther: SQL) {
  return db
    .select({ isLast: sql`NOT ${whereOther}`.mapWith(Boolean).as("is_last") })
    .from(sql`(SELECT 1)`);
}

/** Gives a user who has no password one, or removes the one they have, where the condition holds. */
export function replacePassword(
  db: Db,
  { userId, hash, now }: { userId: string; hash: string | null; now: number },
  condition: SQL,
) {
  return db
    .update(users)
    .set({
      passwordHash: hash,
      passwordVersion: sql`${users.passwordVersion} + 1`,
      passwordExpired: false,
      version: sql`${users.version} + 1`,
      updatedAt: now,
    })
    .where(
      and(
        eq(users.id, userId),
        hash === null ? isNotNull(users.passwordHash) : isNull(users.passwordHash),
        condition,
      ),
    )
    .returning({ id: users.id });
}

/** Sets a password where the previous one has not changed since it was checked and the condition holds. */
export function updatePassword(
  db: Db,
  password: { userId: string; version: number; hash: string },
  condition: SQL,
) {
  return db
    .update(users)
    .set({
      passwordHash: password.hash,
      passwordVersion: password.version + 1,
      passwordExpired: false,
    })
    .where(
      and(eq(users.id, password.userId), eq(users.passwordVersion, password.version), condition),
    )
    .returning({ id: users.id });
}

/** The active user with this email. */
export function findResettableUser(db: Db, emailKey: string) {
  return db
    .select({ id: users.id, email: users.email, dataKey: users.dataKey })
    .from(users)
    .where(and(eq(users.emailKey, emailKey), eq(users.isActive, true), isNull(users.deletedAt)));
}

/**
 * Sets the password of an active user who still has this email, and may confirm the email, where the condition holds. `isVisible` if
 * the user as the API returns it changes.
 */
export function resetPasswordHash(
  db: Db,
  reset: {
    userId: string;
    emailKey: string;
    hash: string;
    verifiesEmail: boolean;
    isVisible: boolean;
    now: number;
  },
  condition: SQL,
) {
  return db
    .update(users)
    .set({
      passwordHash: reset.hash,
      passwordVersion: sql`${users.passwordVersion} + 1`,
      passwordExpired: false,
      registeredDay: acceptInvitation(reset.now),
      ...(reset.verifiesEmail && { emailVerified: true }),
      ...(reset.isVisible && { version: sql`${users.version} + 1`, updatedAt: reset.now }),
    })
    .where(and(whereActiveWithEmail(reset), condition))
    .returning({ id: users.id });
}
