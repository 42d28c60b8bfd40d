import { and, eq, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { jobLeases } from "./schema/job-leases.ts";

interface Lease {
  name: string;
  now: number;
  leasedUntil: number;
}

/** Leases a job unless it is leased already. Of concurrent claims, exactly one succeeds. Returns the name if it did. */
export function claimJob(db: Db, { name, now, leasedUntil }: Lease) {
  return db
    .insert(jobLeases)
    .values({ name, leasedUntil, createdAt: now })
    .onConflictDoUpdate({
      target: jobLeases.name,
      set: { leasedUntil },
      setWhere: sql`${jobLeases.leasedUntil} <= ${now}`,
    })
    .returning({ name: jobLeases.name });
}

/** The outcome of a run. It has finished if it left nothing to process. */
interface Outcome {
  items: number;
  hasFinished: boolean;
  hasFailed: boolean;
}

/**
 * Ends a lease, if it is still held, and adds the outcome of the run to the job's counters. `leased_until` becomes 0 if the run has
 * finished. A run that stopped early or died leaves a time that has passed.
 */
export function releaseJob(db: Db, at: Lease, { items, hasFinished, hasFailed }: Outcome) {
  return db
    .update(jobLeases)
    .set({
      leasedUntil: hasFinished ? 0 : at.now,
      lastRunAt: at.now,
      ...(!hasFailed && { lastSuccessAt: at.now }),
      runs: sql`${jobLeases.runs} + 1`,
      items: sql`${jobLeases.items} + ${items}`,
      failures: sql`${jobLeases.failures} + ${hasFailed ? 1 : 0}`,
    })
    .where(and(eq(jobLeases.name, at.name), eq(jobLeases.leasedUntil, at.leasedUntil)));
}

/** Every job with the counters of its runs. */
export function listJobs(db: Db) {
  return db.select().from(jobLeases).orderBy(jobLeases.name);
}
