import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { users } from "../../db/schema/users.ts";

/** The active user with this email. */
export function findResettableUser(db: Db, emailKey: string) {
  return db
    .select({ id: users.id, email: users.email, dataKey: users.dataKey })
    .from(users)
    .where(and(eq(users.emailKey, emailKey), eq(users.isActive, true), isNull(users.deletedAt)));
}

/** Sets the password of an active user who still has this email, where the condition holds. */
export function resetPasswordHash(
  db: Db,
  reset: { userId: string; emailKey: string; hash: string },
  condition: SQL,
) {
  return db
    .update(users)
    .set({ passwordHash: reset.hash, passwordVersion: sql`${users.passwordVersion} + 1` })
    .where(
      and(
        eq(users.id, reset.userId),
        eq(users.emailKey, reset.emailKey),
        eq(users.isActive, true),
        isNull(users.deletedAt),
        condition,
      ),
    )
    .returning({ id: users.id });
}
