import { and, eq, isNotNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { factors } from "../../db/schema/factors.ts";
import { recoveryCodes } from "../../db/schema/recovery-codes.ts";

/** The types of a user's confirmed factors. */
export function listFactorTypes(db: Db, userId: string) {
  return db
    .selectDistinct({ type: factors.type })
    .from(factors)
    .where(and(eq(factors.userId, userId), isNotNull(factors.confirmedAt)));
}

/** How many recovery codes a user has left. */
export function countRecoveryCodes(db: Db, userId: string) {
  return db
    .select({
      remaining: sql<number>`json_array_length(${recoveryCodes.hashes})`.as("remaining"),
    })
    .from(recoveryCodes)
    .where(eq(recoveryCodes.userId, userId));
}

/** Deletes all factors of a user, confirmed or not, where the condition holds. */
export function deleteFactorsOfUser(db: Db, userId: string, condition: SQL) {
  return db.delete(factors).where(and(eq(factors.userId, userId), condition));
}

/** Deletes the recovery codes of a user where the condition holds. */
export function deleteRecoveryCodesOfUser(db: Db, userId: string, condition: SQL) {
  return db.delete(recoveryCodes).where(and(eq(recoveryCodes.userId, userId), condition));
}
