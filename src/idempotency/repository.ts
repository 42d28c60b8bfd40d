import { and, inArray, lte, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { insertWhere } from "../db/insert.ts";
import { idempotencyKeys } from "../db/schema/idempotency-keys.ts";

type AnswerRow = typeof idempotencyKeys.$inferSelect;

/** The answers under these ids, expired or not. */
export function listAnswers(db: Db, ids: readonly string[]) {
  const { id, sealedAnswer, expiresAt } = idempotencyKeys;
  return db
    .select({ id, sealedAnswer, expiresAt })
    .from(idempotencyKeys)
    .where(inArray(id, [...ids]));
}

/** Inserts an answer where the condition holds. Violates the primary key if there is an answer under its id. */
export function insertAnswer(db: Db, row: AnswerRow, condition: SQL) {
  return insertWhere(db, idempotencyKeys, row, condition);
}

/** Inserts an answer, unless there is one under its id, or its user was erased. Returns the id if it was inserted. */
export function insertFirstAnswer(db: Db, row: AnswerRow) {
  const { userId } = row;
  const whereKnown =
    userId === null ? sql`true` : sql`EXISTS (SELECT 1 FROM users WHERE users.id = ${userId})`;
  return insertAnswer(db, row, whereKnown)
    .onConflictDoNothing()
    .returning({ id: idempotencyKeys.id });
}

/** Deletes an answer that expires by a time, where the condition holds. */
export function deleteExpiredAnswer(db: Db, id: string, until: number, condition: SQL) {
  return db
    .delete(idempotencyKeys)
    .where(
      and(sql`${idempotencyKeys.id} = ${id}`, lte(idempotencyKeys.expiresAt, until), condition),
    );
}

/** Deletes up to `limit` answers that have expired. */
export function deleteExpiredAnswers(db: Db, now: number, limit: number) {
  return db
    .delete(idempotencyKeys)
    .where(
      sql`${idempotencyKeys.id} IN (SELECT id FROM idempotency_keys WHERE expires_at <= ${now} LIMIT ${limit})`,
    )
    .returning({ id: idempotencyKeys.id });
}
