import { and, eq, type SQL } from "drizzle-orm";
import type { UserRef } from "../../access/target.ts";
import type { Db } from "../../db/client.ts";
import { identities } from "../../db/schema/identities.ts";

export type IdentityRow = typeof identities.$inferSelect;

/** All identities of a user, deleted or not, the oldest first. Their number is limited. */
export function listIdentitiesOfUser(db: Db, user: UserRef) {
  return db.select().from(identities).where(eq(identities.userId, user)).orderBy(identities.id);
}

/** Deletes all identities of a user where the condition holds. */
export function deleteIdentitiesOfUser(db: Db, userId: string, condition: SQL) {
  return db.delete(identities).where(and(eq(identities.userId, userId), condition));
}
