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
    .values({ name, leasedUntil })
    .onConflictDoUpdate({
      target: jobLeases.name,
      set: { leasedUntil },
      setWhere: sql`${jobLeases.leasedUntil} <= ${now}`,
    })
    .returning({ name: jobLeases.name });
}

/** Ends a lease, if it is still held, and adds the outcome of the run to the job's counters. */
export function releaseJob(db: Db, at: Lease, outcome: { items: number; hasFailed: boolean }) {
  return db
    .update(jobLeases)
    .set({
      leasedUntil: 0,
      lastRunAt: at.now,
      runs: sql`${jobLeases.runs} + 1`,
      items: sql`${jobLeases.items} + ${outcome.items}`,
      failures: sql`${jobLeases.failures} + ${outcome.hasFailed ? 1 : 0}`,
    })
    .where(and(eq(jobLeases.name, at.name), eq(jobLeases.leasedUntil, at.leasedUntil)));
}

/** Every job with the counters of its runs. */
export function listJobs(db: Db) {
  return db.select().from(jobLeases).orderBy(jobLeases.name);
}
