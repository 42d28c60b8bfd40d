import { and, eq, sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";
import { apiKeys } from "../db/schema/api-keys.ts";

/** Records that a key was used, unless that was recorded since the time given. */
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
