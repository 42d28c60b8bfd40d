import { and, desc, eq, isNull, lt, type SQL, sql } from "drizzle-orm";
import { permissionsOfRole } from "../access/conditions.ts";
import type { Db } from "../db/client.ts";
import { apiKeys } from "../db/schema/api-keys.ts";
import { users } from "../db/schema/users.ts";

/** Columns by name: the hash of the secret stays where it is. */
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

/** Creates a key where the condition holds and its user has fewer live ones than the limit. */
export function insertApiKey(
  db: Db,
  row: Pick<
    ApiKeyTable,
    "id" | "userId" | "name" | "prefix" | "secretHash" | "scopes" | "createdAt" | "expiresAt"
  >,
  limit: number,
  condition: SQL,
) {
  return db
    .insert(apiKeys)
    .select(
      sql`SELECT ${row.id}, ${row.userId}, ${row.name}, ${row.prefix}, ${row.secretHash}, ${JSON.stringify(row.scopes)},
        ${row.createdAt}, ${row.expiresAt}, NULL, NULL
        WHERE ${condition} AND ${countLiveApiKeys(row.userId, row.createdAt)} < ${limit}`,
    )
    .returning(publicColumns);
}

function countLiveApiKeys(userId: string, now: number): SQL {
  return sql`(SELECT count(*) FROM api_keys AS live WHERE live.user_id = ${userId} AND live.revoked_at IS NULL
    AND (live.expires_at IS NULL OR live.expires_at > ${now}))`;
}

/** A key with the hash of its secret and what its owner may do. Every column has a name of its own. */
export function findApiKey(db: Db, id: string) {
  return db
    .select({
      ...aliased,
      secretHash: apiKeys.secretHash,
      ownerPermissions: permissionsOfRole(sql`users.role`).as("owner_permissions"),
    })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.userId))
    .where(eq(apiKeys.id, id));
}

// The columns that the owner's row has too, under names of their own.
const aliased = {
  ...publicColumns,
  id: sql<string>`${apiKeys.id}`.as("key_id"),
  createdAt: sql<number>`${apiKeys.createdAt}`.as("key_created_at"),
};

/** The key behind a secret, with what decides whether it is of use. */
export function findApiKeyAuthority(db: Db, secretHash: string) {
  return db
    .select({
      keyId: sql<string>`${apiKeys.id}`.as("key_id"),
      userId: apiKeys.userId,
      scopes: apiKeys.scopes,
      expiresAt: apiKeys.expiresAt,
      lastUsedAt: apiKeys.lastUsedAt,
      revokedAt: apiKeys.revokedAt,
      role: users.role,
      isActive: users.isActive,
      deletedAt: users.deletedAt,
      dataKey: users.dataKey,
      permissions: permissionsOfRole(sql`users.role`).as("permissions"),
    })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.userId))
    .where(eq(apiKeys.secretHash, secretHash));
}

/** Keys of a user, or of all, the newest first, behind the id given. */
export function listApiKeys(
  db: Db,
  filter: { userId: string | undefined; before: unknown },
  limit: number,
) {
  return db
    .select(publicColumns)
    .from(apiKeys)
    .where(
      and(
        filter.userId ? eq(apiKeys.userId, filter.userId) : undefined,
        typeof filter.before === "string" ? lt(apiKeys.id, filter.before) : undefined,
      ),
    )
    .orderBy(desc(apiKeys.id))
    .limit(limit);
}

/** Changes a key that is not revoked and still has the secret that was seen, where the condition holds. */
export function updateApiKey(
  db: Db,
  at: { id: string; secretHash: string },
  change: Partial<Pick<ApiKeyTable, "name" | "scopes" | "prefix" | "secretHash" | "revokedAt">>,
  condition: SQL,
) {
  return db
    .update(apiKeys)
    .set(change)
    .where(
      and(
        eq(apiKeys.id, at.id),
        eq(apiKeys.secretHash, at.secretHash),
        isNull(apiKeys.revokedAt),
        condition,
      ),
    )
    .returning(publicColumns);
}

/** Revokes every live key of a user where the condition holds. Returns the hashes of their secrets. */
export function revokeApiKeysOfUser(db: Db, userId: string, now: number, condition: SQL) {
  return db
    .update(apiKeys)
    .set({ revokedAt: now })
    .where(and(eq(apiKeys.userId, userId), isNull(apiKeys.revokedAt), condition))
    .returning({ secretHash: apiKeys.secretHash });
}

/** The hashes of all secrets of a user. */
export function listSecretHashesOfUser(db: Db, userId: string) {
  return db
    .select({ secretHash: apiKeys.secretHash })
    .from(apiKeys)
    .where(eq(apiKeys.userId, userId));
}

/** Notes that a key was used, unless that was noted since the time given. */
export function touchApiKey(db: Db, id: string, now: number, since: number) {
  return db
    .update(apiKeys)
    .set({ lastUsedAt: now })
    .where(
      and(
        eq(apiKeys.id, id),
        sql`(${apiKeys.lastUsedAt} IS NULL OR ${apiKeys.lastUsedAt} <= ${since})`,
      ),
    );
}
