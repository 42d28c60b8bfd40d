import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { apiKeys } from "../db/schema/api-keys.ts";

/** Records that a key was used, unless this was last recorded after `since`. */
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

/** Revokes every live key of a user where the condition holds. Returns the ids of the revoked keys. */
export function revokeApiKeysOfUser(db: Db, userId: string, now: number, condition: SQL) {
  return db
    .update(apiKeys)
    .set({ revokedAt: now, version: sql`${apiKeys.version} + 1` })
    .where(and(eq(apiKeys.userId, userId), sql`(${apiKeys.revokedAt} IS NULL) = 1`, condition))
    .returning({ id: apiKeys.id });
}
