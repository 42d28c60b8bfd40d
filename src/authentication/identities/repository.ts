import { and, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../../access/target.ts";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
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

/** An account at a provider. */
interface Subject {
  issuer: string;
  subject: string;
}

/** How many identities a user may have. */
export const MAX_IDENTITIES = 20;

/** The identity of an account at a provider, whose user may be deleted. */
export function findIdentity(db: Db, { issuer, subject }: Subject) {
  return db
    .select()
    .from(identities)
    .where(and(eq(identities.issuer, issuer), eq(identities.subject, subject)));
}

/** The id of the user with an account at a provider, for another statement. */
export function selectIdentityOwner({ issuer, subject }: Subject): SQL {
  return sql`(SELECT linked.user_id FROM identities AS linked WHERE linked.issuer = ${issuer} AND linked.subject = ${subject})`;
}

/** True while an account at a provider is linked to no user. */
export function whereUnlinked({ issuer, subject }: Subject): SQL {
  return sql`NOT EXISTS (SELECT 1 FROM identities AS linked WHERE linked.issuer = ${issuer} AND linked.subject = ${subject})`;
}

/** True while a user has an identity. */
export function whereLinked(userId: string, id: string): SQL {
  return sql`EXISTS (SELECT 1 FROM identities AS linked WHERE linked.id = ${id} AND linked.user_id = ${userId})`;
}

/**
 * Links an account at a provider to a user where the condition holds, unless they have the maximum number. Violates a unique index if it
 * is linked already.
 */
export function insertIdentity(db: Db, row: IdentityRow, condition: SQL) {
  const whereFewer = sql`(SELECT count(*) FROM identities AS own WHERE own.user_id = ${row.userId}) < ${MAX_IDENTITIES}`;
  return insertWhere(db, identities, row, sql`${condition} AND ${whereFewer}`).returning();
}

/** Records a login with an identity, and the address that the provider named, where the condition holds. */
export function touchIdentity(
  db: Db,
  { id, email, now }: { id: string; email: string | null; now: number },
  condition: SQL,
) {
  return db
    .update(identities)
    .set({ email, lastUsedAt: now })
    .where(and(eq(identities.id, id), condition));
}

/** Identities of a user, the newest first: `limit` of them after the id in `before`, or after `skip` identities. */
export function listIdentities(
  db: Db,
  userId: string,
  { before, skip = 0, limit }: { before?: unknown; skip?: number | undefined; limit: number },
) {
  const whereBefore = typeof before === "string" ? lt(identities.id, before) : undefined;
  return db
    .select()
    .from(identities)
    .where(and(eq(identities.userId, userId), whereBefore))
    .orderBy(desc(identities.id))
    .limit(limit)
    .offset(skip);
}

/** The number of identities of a user. */
export function countIdentities(db: Db, user: UserRef) {
  return db
    .select({ total: sql<number>`count(*)`.as("total") })
    .from(identities)
    .where(eq(identities.userId, user));
}

/** An identity of a user, and whether it is their only way to log in: `whereOther` is the condition that there is another. */
export function findOwnIdentity(
  db: Db,
  { userId, id }: { userId: string; id: string },
  whereOther: SQL,
) {
  return db
    .select({
      id: identities.id,
      provider: identities.provider,
      isOnlyLogin: sql`NOT (${whereOther})`.mapWith(Boolean).as("is_only_login"),
    })
    .from(identities)
    .where(and(eq(identities.id, id), eq(identities.userId, userId)));
}

/** Deletes an identity of a user where the condition holds. */
export function deleteIdentity(
  db: Db,
  { userId, id }: { userId: string; id: string },
  condition: SQL,
) {
  return db
    .delete(identities)
    .where(and(eq(identities.id, id), eq(identities.userId, userId), condition))
    .returning({ id: identities.id });
}
