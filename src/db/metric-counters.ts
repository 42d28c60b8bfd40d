import { sql } from "drizzle-orm";
import type { CountBatch } from "../platform/metrics.ts";
import type { Db } from "./client.ts";
import { metricCounters, metricWriters } from "./schema/metric-counters.ts";

/**
 * Adds the counts of an isolate to those of all, unless they were added before: an isolate whose write got no answer sends the same
 * batch again. The statements must be sent together, in this order.
 */
export function addCounts(db: Db, { writer, sequence, counts }: CountBatch, now: number) {
  return {
    countWriter: db
      .insert(metricWriters)
      .values({ id: writer, sequence, writtenAt: now })
      .onConflictDoUpdate({
        target: metricWriters.id,
        set: { sequence, writtenAt: now },
        setWhere: sql`${metricWriters.sequence} < ${sequence}`,
      }),
    // `changes()` refers to the previous statement.
    countBatch: db
      .insert(metricCounters)
      .select(
        sql`SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(counts)}) WHERE changes() > 0`,
      )
      .onConflictDoUpdate({
        target: metricCounters.series,
        set: { value: sql`${metricCounters.value} + excluded.value` },
      }),
  };
}

/** The counters of all isolates. */
export function listCounters(db: Db) {
  return db.select().from(metricCounters);
}

/** Deletes up to `limit` isolates that have added no counts since. Returns their ids. */
export function deleteOldWriters(db: Db, since: number, limit: number) {
  return db
    .delete(metricWriters)
    .where(
      sql`${metricWriters.id} IN (SELECT id FROM metric_writers WHERE written_at < ${since} LIMIT ${limit})`,
    )
    .returning({ id: metricWriters.id });
}
