import { and, desc, eq, gt, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../access/target.ts";
import type { Db } from "../db/client.ts";
import { insertWhere } from "../db/insert.ts";
import { apiKeys } from "../db/schema/api-keys.ts";
import { roles } from "../db/schema/roles.ts";
import { users } from "../db/schema/users.ts";

/** Everything but the hash of the secret. */
const publicColumns = {
  id: apiKeys.id,
  userId: apiKeys.userId,
  name: apiKeys.name,
  prefix: apiKeys.prefix,
  scopes: apiKeys.scopes,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  lastUsedAt: apiKeys.lastUsedAt,
  revokedAt: apiKeys.revokedAt,
};

type ApiKeyTable = typeof apiKeys.$inferSelect;
export type ApiKeyRow = Pick<ApiKeyTable, keyof typeof publicColumns>;
export type NewApiKeyRow = Omit<ApiKeyTable, "lastUsedAt" | "revokedAt">;
export type ApiKeyChange = Partial<
  Pick<ApiKeyTable, "name" | "scopes" | "prefix" | "secretHash" | "revokedAt">
>;

/** Inserts a key where the condition holds, its owner is not deleted and has fewer live keys than the limit. */
export function insertApiKey(db: Db, row: NewApiKeyRow, limit: number, condition: SQL) {
  const fresh = { ...row, lastUsedAt: null, revokedAt: null };
  const { userId, createdAt } = row;
  const whereAllowed = sql`${condition}
    AND EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND owner.deleted_at IS NULL)
    AND ${countLiveKeys(sql`${userId}`, createdAt)} < ${limit}`;
  return insertWhere(db, apiKeys, fresh, whereAllowed).returning(publicColumns);
}

/** A user who is not deleted, with the permissions of their role and the number of their live keys. */
export function findKeyOwner(db: Db, user: UserRef, now: number) {
  return db
    .select({
      id: users.id,
      permissions: roles.permissions,
      liveKeys: countLiveKeys(sql`users.id`, now).mapWith(Number).as("live_keys"),
    })
    .from(users)
    .innerJoin(roles, eq(roles.name, users.role))
    .where(and(eq(users.id, user), isNull(users.deletedAt)));
}

function countLiveKeys(userId: SQL, now: number): SQL {
  return sql`(SELECT count(*) FROM api_keys AS live WHERE live.user_id = ${userId} AND live.revoked_at IS NULL
    AND (live.expires_at IS NULL OR live.expires_at > ${now}))`;
}

/** A key by id, revoked or not. */
export function findApiKey(db: Db, id: string) {
  return db.select(publicColumns).from(apiKeys).where(eq(apiKeys.id, id)).limit(1);
}

/** A key by id, revoked or not, with the hash of its secret and the permissions of its owner's role. */
export function findManagedApiKey(db: Db, id: string) {
  return db
    .select({
      ...publicColumns,
      secretHash: apiKeys.secretHash,
      ownerPermissions: roles.permissions,
    })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.userId))
    .innerJoin(roles, eq(roles.name, users.role))
    .where(eq(apiKeys.id, id))
    .limit(1);
}

export type ManagedApiKey = Awaited<ReturnType<typeof findManagedApiKey>>[number];

/** Keys of one user or, without `userId`, of all users, the newest first, starting after the id in `before`. */
export function listApiKeys(
  db: Db,
  filter: { userId: UserRef | undefined; before: unknown },
  limit: number,
) {
  return db
    .select(publicColumns)
    .from(apiKeys)
    .where(
      and(
        filter.userId === undefined ? undefined : eq(apiKeys.userId, filter.userId),
        typeof filter.before === "string" ? lt(apiKeys.id, filter.before) : undefined,
      ),
    )
    .orderBy(desc(apiKeys.id))
    .limit(limit);
}

/** Keys of a user, revoked or not, the oldest first, starting after the id in `after`. */
export function listApiKeysOfUser(db: Db, user: UserRef, after: string, limit: number) {
  return db
    .select(publicColumns)
    .from(apiKeys)
    .where(and(eq(apiKeys.userId, user), gt(apiKeys.id, after)))
    .orderBy(apiKeys.id)
    .limit(limit);
}

/**
 * Updates a key that is not revoked and is still as it was read, where the condition holds, so that each audit event starts
 * where the previous one ended.
 */
export function updateApiKeyRow(db: Db, seen: ManagedApiKey, change: ApiKeyChange, condition: SQL) {
  return db
    .update(apiKeys)
    .set(change)
    .where(
      and(
        eq(apiKeys.id, seen.id),
        eq(apiKeys.name, seen.name),
        eq(apiKeys.scopes, seen.scopes),
        eq(apiKeys.secretHash, seen.secretHash),
        isNull(apiKeys.revokedAt),
        condition,
      ),
    )
    .returning(publicColumns);
}

/** Revokes every live key of a user where the condition holds. Returns the ids of the revoked keys. */
export function revokeApiKeysOfUser(db: Db, userId: string, now: number, condition: SQL) {
  return db
    .update(apiKeys)
    .set({ revokedAt: now })
    .where(and(eq(apiKeys.userId, userId), isNull(apiKeys.revokedAt), condition))
    .returning({ id: apiKeys.id });
}
