import { and, eq, gt, gte, inArray, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { exchangeCodes } from "../../db/schema/exchange-codes.ts";
import { users } from "../../db/schema/users.ts";
import type { Moment } from "../../lib/time.ts";

type CodeRow = typeof exchangeCodes.$inferSelect;

/** Stores a code where the condition holds. Returns its id if it was stored. */
export function insertCode(db: Db, row: CodeRow, condition: SQL) {
  return insertWhere(db, exchangeCodes, row, condition).returning({ id: exchangeCodes.id });
}

/** A code that is live. */
export function findCode(db: Db, id: string, { now, revokedBefore }: Moment) {
  return db
    .select()
    .from(exchangeCodes)
    .where(
      and(
        eq(exchangeCodes.id, id),
        gt(exchangeCodes.expiresAt, now),
        gte(exchangeCodes.createdAt, revokedBefore),
      ),
    );
}

/** True while a code has not been used. */
export function whereCodeUnused(id: string): SQL {
  return sql`EXISTS (SELECT 1 FROM exchange_codes AS unused WHERE unused.id = ${id})`;
}

/** Uses up a code where the condition holds. Of concurrent requests, one gets its id. */
export function deleteCode(db: Db, id: string, condition: SQL) {
  return db
    .delete(exchangeCodes)
    .where(and(eq(exchangeCodes.id, id), condition))
    .returning({ id: exchangeCodes.id });
}

/** Deletes up to `limit` codes that have expired. */
export function deleteExpiredCodes(db: Db, now: number, limit: number) {
  return db
    .delete(exchangeCodes)
    .where(
      sql`${exchangeCodes.id} IN (SELECT id FROM exchange_codes WHERE expires_at <= ${now} LIMIT ${limit})`,
    )
    .returning({ id: exchangeCodes.id });
}

/** Those of a few usernames that users who are not deleted have. */
export function listTakenUsernames(db: Db, keys: readonly string[]) {
  return db
    .select({ key: users.usernameKey })
    .from(users)
    .where(and(inArray(users.usernameKey, [...keys]), isNull(users.deletedAt)));
}

/** The id of the user with this email who is not deleted, for another statement. */
export function selectHolder(emailKey: string): SQL {
  return sql`(SELECT holder.id FROM users AS holder WHERE holder.email_key = ${emailKey} AND holder.deleted_at IS NULL)`;
}

/**
 * True while an active user has this verified email and no second factor, so that whoever a provider trusts with the address may log in
 * to the account.
 */
export function whereOpenToAddress(userId: string, emailKey: string): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND owner.email_key = ${emailKey}
    AND owner.email_verified = 1 AND owner.mfa_enabled = 0 AND owner.is_active = 1 AND owner.deleted_at IS NULL)`;
}
