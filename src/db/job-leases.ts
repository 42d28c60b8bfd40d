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

/** Gives a job back, if it is still one's own. */
export function releaseJob(db: Db, name: string, leasedUntil: number) {
  return db
    .update(jobLeases)
    .set({ leasedUntil: 0 })
    .where(and(eq(jobLeases.name, name), eq(jobLeases.leasedUntil, leasedUntil)));
}
