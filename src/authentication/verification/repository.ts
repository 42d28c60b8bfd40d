import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { users } from "../../db/schema/users.ts";

/** The user with this email who is not deleted. */
export function findUserByEmail(db: Db, emailKey: string) {
  return db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.emailKey, emailKey), isNull(users.deletedAt)));
}

/** The email of a user who is not deleted, and whether it is verified. */
export function findAddress(db: Db, userId: string) {
  return db
    .select({ id: users.id, email: users.email, emailVerified: users.emailVerified })
    .from(users)
    .where(and(eq(users.id, userId), isNull(users.deletedAt)));
}

/** Sets a user's email, which may be the current one, and marks it as verified, where the condition holds. */
export function confirmEmail(
  db: Db,
  at: { userId: string; now: number },
  email: { address: string; key: string },
  condition: SQL,
) {
  return db
    .update(users)
    .set({
      email: email.address,
      emailKey: email.key,
      emailVerified: true,
      version: sql`${users.version} + 1`,
      updatedAt: at.now,
    })
    .where(and(eq(users.id, at.userId), isNull(users.deletedAt), condition))
    .returning({ id: users.id });
}

/** True for a user none of whose addresses was ever verified. A condition on `users`. */
export const whereNeverVerified: SQL = sql`users.email_verified = 0 AND users.was_verified = 0`;

/** True while the user has this address. */
export function whereEmailIs(userId: string, key: string): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND owner.email_key = ${key})`;
}
