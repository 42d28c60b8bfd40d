import { sql } from "drizzle-orm";
import type { Db } from "../db/client.ts";

/** Counts up to `limit` users after an id by status and role. `last` is the greatest id of a group. */
export function countUsersAfter(db: Db, after: string, limit: number) {
  return db
    .select({
      status: sql<"active" | "inactive" | "deleted">`status`,
      role: sql<string>`role`,
      count: sql<number>`count(*)`.as("count"),
      last: sql<string>`max(id)`.as("last"),
    })
    .from(
      sql`(SELECT id, role, CASE WHEN deleted_at IS NOT NULL THEN 'deleted' WHEN is_active THEN 'active' ELSE 'inactive' END AS status
        FROM users WHERE id > ${after} ORDER BY id LIMIT ${limit}) AS page`,
    )
    .groupBy(sql`status, role`);
}

/** Counts up to `limit` sessions after an id by whether they are live. `last` is the greatest id of a group. */
export function countSessionsAfter(
  db: Db,
  { after, now }: { after: string; now: number },
  limit: number,
) {
  return db
    .select({
      isLive: sql<number>`is_live`,
      count: sql<number>`count(*)`.as("count"),
      last: sql<string>`max(id)`.as("last"),
    })
    .from(
      sql`(SELECT id, revoked_at IS NULL AND expires_at > ${now} AS is_live FROM sessions WHERE id > ${after} ORDER BY id
        LIMIT ${limit}) AS page`,
    )
    .groupBy(sql`is_live`);
}
