import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { loginAttempts } from "../../db/schema/login-attempts.ts";
import { users } from "../../db/schema/users.ts";
import { listAttemptKeys } from "../attempts/repository.ts";

/**
 * Whether a user's password has expired, whether failed logins to the account or wrong codes are counted, and whether it has factors to
 * reset.
 */
export function findCredentialState(db: Db, userId: string) {
  const keys = sql.join(
    listAttemptKeys(userId).map((key) => sql`${key}`),
    sql`, `,
  );
  return db
    .select({
      passwordExpired: users.passwordExpired,
      // Nothing is left under `*` if each attempt was followed by a login.
      hasAttempts:
        sql`EXISTS (SELECT 1 FROM ${loginAttempts} WHERE key IN (${keys}) AND attempts -> '$."*"' <> '[]')`
          .mapWith(Boolean)
          .as("has_attempts"),
      hasFactors:
        sql`(${users.mfaEnabled} OR EXISTS (SELECT 1 FROM factors WHERE factors.user_id = ${userId})
          OR EXISTS (SELECT 1 FROM recovery_codes WHERE recovery_codes.user_id = ${userId}))`
          .mapWith(Boolean)
          .as("has_factors"),
    })
    .from(users)
    .where(eq(users.id, userId));
}

/** Marks a password that has not expired as expired, where the condition holds. */
export function expirePasswordOf(db: Db, userId: string, condition: SQL) {
  return db
    .update(users)
    .set({ passwordExpired: true })
    .where(
      and(
        eq(users.id, userId),
        isNotNull(users.passwordHash),
        eq(users.passwordExpired, false),
        condition,
      ),
    )
    .returning({ id: users.id });
}
