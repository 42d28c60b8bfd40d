import { and, desc, eq, gt, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { UserRef } from "../access/target.ts";
import type { Db } from "../db/client.ts";
import { insertWhere } from "../db/insert.ts";
import { apiKeys } from "../db/schema/api-keys.ts";
import { roles } from "../db/schema/roles.ts";
import { users } from "../db/schema/users.ts";

/** Live keys per user. */
const MAX_LIVE_KEYS = 100;

/** Everything but the hash of the secret. */
const publicColumns = {
  id: apiKeys.id,
  userId: apiKeys.userId,
  name: apiKeys.name,
  prefix: apiKeys.prefix,
  scopes: apiKeys.scopes,
  version: apiKeys.version,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  lastUsedAt: apiKeys.lastUsedAt,
  revokedAt: apiKeys.revokedAt,
};

type ApiKeyTable = typeof apiKeys.$inferSelect;
export type ApiKeyRow = Pick<ApiKeyTable, keyof typeof publicColumns>;
export type NewApiKeyRow = Omit<
  ApiKeyTable,
  "version" | "lastUsedAt" | "revokedAt" | "secretCreatedAt"
>;
export type ApiKeyChange = Partial<
  Pick<
    ApiKeyTable,
    "name" | "scopes" | "prefix" | "secretHash" | "secretCreatedAt" | "expiresAt" | "revokedAt"
  >
>;

/** What only changes and uses of a key set. */
const FRESH = { version: 1, lastUsedAt: null, revokedAt: null };

/** A new key as `insertApiKey` returns it. */
export function toApiKeyRow({ secretHash, ...row }: NewApiKeyRow): ApiKeyRow {
  return { ...row, ...FRESH };
}

/** Inserts a key where the condition holds, its owner is not deleted and has fewer live keys than the limit. */
export function insertApiKey(db: Db, row: NewApiKeyRow, condition: SQL) {
  const fresh = { ...row, ...FRESH, secretCreatedAt: null };
  const { userId, createdAt } = row;
  const whereAllowed = sql`${condition}
    AND EXISTS (SELECT 1 FROM users AS owner WHERE owner.id = ${userId} AND owner.deleted_at IS NULL)
    AND ${whereBelowLimit(userId, createdAt)}`;
  return insertWhere(db, apiKeys, fresh, whereAllowed).returning(publicColumns);
}

/** A user who is not deleted, with the permissions of their role, and whether they may have another live key. */
export function findKeyOwner(db: Db, user: UserRef, now: number) {
  return db
    .select({
      id: users.id,
      email: users.email,
      permissions: roles.permissions,
      isBelowLimit: whereBelowLimit(sql`users.id`, now).mapWith(Boolean).as("is_below_limit"),
    })
    .from(users)
    .innerJoin(roles, eq(roles.name, users.role))
    .where(and(eq(users.id, user), isNull(users.deletedAt)));
}

/** True while a user has fewer live keys than the limit. */
export function whereBelowLimit(userId: UserRef, now: number): SQL {
  return sql`((SELECT count(*) FROM api_keys AS live WHERE live.user_id = ${userId} AND (live.revoked_at IS NULL) = 1
    AND (live.expires_at IS NULL OR live.expires_at > ${now})) < ${MAX_LIVE_KEYS})`;
}

// In the form of the indexes over the state of keys, which have the expression as a column.
function whereRevoked(isRevoked: boolean): SQL {
  return sql`(${apiKeys.revokedAt} IS NULL) = ${isRevoked ? 0 : 1}`;
}

/** A key by id, revoked or not. */
export function findApiKey(db: Db, id: string) {
  return db.select(publicColumns).from(apiKeys).where(eq(apiKeys.id, id)).limit(1);
}

/** The owner of a key, if they may not have another live key. */
export function findCrowdedOwner(db: Db, keyId: string, now: number) {
  return db
    .select({ userId: apiKeys.userId })
    .from(apiKeys)
    .where(and(eq(apiKeys.id, keyId), sql`NOT ${whereBelowLimit(sql`api_keys.user_id`, now)}`));
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

interface ApiKeyFilter {
  /** Undefined for all users. */
  userId: UserRef | undefined;
  /** Undefined for keys that are revoked and those that are not. */
  isRevoked?: boolean | undefined;
}

/**
 * Keys, the newest first: `limit` of them after the id in `before`, or after `skip` keys. Reads only those and the skipped
 * ones.
 */
export function listApiKeys(
  db: Db,
  filter: ApiKeyFilter,
  { before, skip = 0, limit }: { before: unknown; skip: number | undefined; limit: number },
) {
  const whereBefore = typeof before === "string" ? lt(apiKeys.id, before) : undefined;
  return db
    .select(publicColumns)
    .from(apiKeys)
    .where(and(whereSelected(filter), whereBefore))
    .orderBy(desc(apiKeys.id))
    .limit(limit)
    .offset(skip);
}

/** The number of keys that a filter selects. Reads an index entry per key. */
export function countApiKeys(db: Db, filter: ApiKeyFilter) {
  return db
    .select({ total: sql<number>`count(*)`.as("total") })
    .from(apiKeys)
    .where(whereSelected(filter));
}

function whereSelected({ userId, isRevoked }: ApiKeyFilter) {
  return and(
    userId === undefined ? undefined : eq(apiKeys.userId, userId),
    isRevoked === undefined ? undefined : whereRevoked(isRevoked),
  );
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
 * Updates a key that is not revoked and is still at the version that was read, where the condition holds, so that each audit event
 * starts where the previous one ended. The scopes are compared as well, because they decide who may have the secret, and the
 * previous release, which runs beside this one during a deploy, does not count versions.
 */
export function updateApiKeyRow(db: Db, seen: ManagedApiKey, change: ApiKeyChange, condition: SQL) {
  return db
    .update(apiKeys)
    .set({ ...change, version: seen.version + 1 })
    .where(
      and(
        eq(apiKeys.id, seen.id),
        eq(apiKeys.version, seen.version),
        eq(apiKeys.scopes, seen.scopes),
        isNull(apiKeys.revokedAt),
        condition,
      ),
    )
    .returning(publicColumns);
}
