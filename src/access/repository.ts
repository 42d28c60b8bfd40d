import { and, eq, sql } from "drizzle-orm";
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
