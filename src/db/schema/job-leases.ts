import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Scheduled jobs: the lease of a running job, which keeps others from running it, and counters of all runs. */
export const jobLeases = sqliteTable("job_leases", {
  name: text().primaryKey(),
  leasedUntil: integer("leased_until").notNull(),
  runs: integer().notNull().default(0),
  failures: integer().notNull().default(0),
  items: integer().notNull().default(0),
  lastRunAt: integer("last_run_at"),
  /** When the latest run that did not fail started; null before the first. */
  lastSuccessAt: integer("last_success_at"),
  /** When the job was claimed for the first time; null if that was before this column was added. */
  createdAt: integer("created_at"),
});
