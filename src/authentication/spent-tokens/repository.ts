import { eq, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { spentTokens } from "../../db/schema/spent-tokens.ts";

/** A token or challenge that is not stored until it is used. It is void after `expiresAt`. */
interface Spendable {
  id: string;
  expiresAt: number;
}

/** True while a token has not been used. */
export function whereUnspent(id: string): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM spent_tokens AS spent WHERE spent.id = ${id})`;
}

/** The token with this id, if it was used. */
export function findSpentToken(db: Db, id: string) {
  return db.select({ id: spentTokens.id }).from(spentTokens).where(eq(spentTokens.id, id));
}

/** Remembers that a token was used where the condition holds. The statement that it allows must have the condition `whereUnspent`. */
export function insertSpentToken(db: Db, { id, expiresAt }: Spendable, condition: SQL) {
  return insertWhere(db, spentTokens, { id, expiresAt }, condition);
}

/** Deletes up to `limit` tokens that have expired, and so are void anyway. */
export function deleteExpiredSpentTokens(db: Db, now: number, limit: number) {
  return db
    .delete(spentTokens)
    .where(
      sql`${spentTokens.id} IN (SELECT id FROM spent_tokens WHERE expires_at <= ${now} LIMIT ${limit})`,
    )
    .returning({ id: spentTokens.id });
}
