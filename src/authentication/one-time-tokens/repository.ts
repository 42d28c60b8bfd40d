import { and, eq, gt, gte, type SQL, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { oneTimeTokens } from "../../db/schema/one-time-tokens.ts";
import { users } from "../../db/schema/users.ts";
import type { Moment } from "../../lib/time.ts";

type TokenRow = typeof oneTimeTokens.$inferSelect;

/**
 * Stores a token where the condition holds, replacing the previous one for the user and purpose. Returns a row if it was
 * stored.
 */
export function upsertToken(db: Db, row: TokenRow, condition: SQL) {
  const { tokenHash, address, expiresAt, createdAt } = row;
  return insertWhere(db, oneTimeTokens, row, condition)
    .onConflictDoUpdate({
      target: [oneTimeTokens.userId, oneTimeTokens.purpose],
      set: { tokenHash, address, expiresAt, createdAt },
    })
    .returning({ userId: oneTimeTokens.userId });
}

/** A live token with its user, who is not deleted. Every column has a unique name. */
export function findToken(db: Db, tokenHash: string, { now, revokedBefore }: Moment) {
  return db
    .select({
      userId: oneTimeTokens.userId,
      purpose: oneTimeTokens.purpose,
      address: oneTimeTokens.address,
      username: users.username,
      email: users.email,
      emailKey: users.emailKey,
      emailVerified: users.emailVerified,
      passwordHash: users.passwordHash,
      passwordVersion: users.passwordVersion,
      passwordExpired: users.passwordExpired,
      isActive: users.isActive,
      dataKey: users.dataKey,
    })
    .from(oneTimeTokens)
    .innerJoin(users, eq(users.id, oneTimeTokens.userId))
    .where(
      and(
        eq(oneTimeTokens.tokenHash, tokenHash),
        gt(oneTimeTokens.expiresAt, now),
        gte(oneTimeTokens.createdAt, revokedBefore),
        sql`users.deleted_at IS NULL`,
      ),
    );
}

export type FoundToken = Awaited<ReturnType<typeof findToken>>[number];

/** The id of the user who has the token with this hash; NULL if there is none. */
export function selectTokenOwner(tokenHash: string): SQL {
  return sql`(SELECT user_id FROM one_time_tokens WHERE token_hash = ${tokenHash})`;
}

/** The hash of a user's live token for a purpose. */
export function findTokenOfUser(
  db: Db,
  { userId, purpose }: { userId: string; purpose: string },
  { now, revokedBefore }: Moment,
) {
  return db
    .select({ tokenHash: oneTimeTokens.tokenHash })
    .from(oneTimeTokens)
    .where(
      and(
        eq(oneTimeTokens.userId, userId),
        eq(oneTimeTokens.purpose, purpose),
        gt(oneTimeTokens.expiresAt, now),
        gte(oneTimeTokens.createdAt, revokedBefore),
      ),
    );
}

/** Uses a live token up. Returns a row if it was: of concurrent requests, one gets it. */
export function spendToken(db: Db, tokenHash: string, { now, revokedBefore }: Moment) {
  return db
    .delete(oneTimeTokens)
    .where(
      and(
        eq(oneTimeTokens.tokenHash, tokenHash),
        gt(oneTimeTokens.expiresAt, now),
        gte(oneTimeTokens.createdAt, revokedBefore),
      ),
    )
    .returning({ userId: oneTimeTokens.userId });
}

/** True while a token is live. Every statement that uses a token has this condition. */
export function whereTokenLive(tokenHash: string, purpose: string, now: number): SQL {
  return sql`EXISTS (SELECT 1 FROM one_time_tokens AS token WHERE token.token_hash = ${tokenHash}
    AND token.purpose = ${purpose} AND token.expires_at > ${now})`;
}

/** Deletes a user's tokens for these purposes where the condition holds. */
export function deleteTokens(db: Db, userId: string, purposes: readonly string[], condition: SQL) {
  return db
    .delete(oneTimeTokens)
    .where(
      and(
        eq(oneTimeTokens.userId, userId),
        sql`${oneTimeTokens.purpose} IN (SELECT value FROM json_each(${JSON.stringify(purposes)}))`,
        condition,
      ),
    );
}

/** Deletes up to `limit` tokens that have expired. */
export function deleteExpiredTokens(db: Db, now: number, limit: number) {
  return db
    .delete(oneTimeTokens)
    .where(
      sql`(${oneTimeTokens.userId}, ${oneTimeTokens.purpose}) IN
        (SELECT user_id, purpose FROM one_time_tokens WHERE expires_at < ${now} LIMIT ${limit})`,
    )
    .returning({ userId: oneTimeTokens.userId });
}
