import { and, eq, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { jobLeases } from "./schema/job-leases.ts";

/** Takes a job for oneself, unless someone has it: of all who ask at once, one gets it. */
export function claimJob(db: Db, name: string, now: number, leasedUntil: number) {
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

/** Gives a job back, if it is still one's own, and counts what its run did. */
export function releaseJob(
  db: Db,
  at: { name: string; leasedUntil: number; now: number },
  outcome: { items: number; hasFailed: boolean },
) {
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

/** What every job's runs have come to. */
export function listJobs(db: Db) {
  return db.select().from(jobLeases).orderBy(jobLeases.name);
}
