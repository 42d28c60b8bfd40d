import { sql } from "drizzle-orm";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Context } from "../../context.ts";
import type { Db } from "../../db/client.ts";

/** The search index as it takes commands: in the column that has its own name. */
const commands = sqliteTable("users_search", { command: text("users_search"), rank: integer() });

/** Pages of the search index that a round merges. D1 does nothing else meanwhile. */
const PAGES_PER_ROUND = 400;

/** FTS5 stores its lists of removed rows under ids from here on. */
const FIRST_REMOVAL = 2 ** 53;

/**
 * Removes what the search index still stores of users who were erased and of names that were changed. FTS5 only marks rows as
 * removed, and leaves their text in the index until it writes that part of the index anew. A run does so with the whole index, if
 * anything was removed. Each call is a round. Returns an empty list once the run is complete.
 */
export async function compactSearch(
  { db, d1 }: Context,
  { isFirst }: { isFirst: boolean },
): Promise<readonly unknown[]> {
  if (isFirst) {
    const { removals } = await d1.send({ removals: findRemovals(db) });
    if (removals.length === 0) return [];
  }
  const { before, after } = await d1.send({
    before: countChanges(db),
    merged: mergeSearch(db, isFirst),
    after: countChanges(db),
  });
  // A merge that finds nothing to do counts as one change.
  const changes = (after[0]?.changes ?? 0) - (before[0]?.changes ?? 0);
  return changes < 2 ? [] : [changes];
}

function findRemovals(db: Db) {
  return db
    .select({ id: sql<number>`id`.as("id") })
    .from(sql`users_search_data`)
    .where(sql`id >= ${sql.raw(String(FIRST_REMOVAL))}`)
    .limit(1);
}

function countChanges(db: Db) {
  return db.select({ changes: sql<number>`total_changes()`.as("changes") }).from(sql`(SELECT 1)`);
}

// A negative number merges the whole index, a positive one continues.
function mergeSearch(db: Db, isFirst: boolean) {
  const rank = isFirst ? -PAGES_PER_ROUND : PAGES_PER_ROUND;
  return db.insert(commands).values({ command: "merge", rank });
}
