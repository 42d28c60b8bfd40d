import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Which scheduled job is running, until when nobody else may run it, and what its runs have come to. */
export const jobLeases = sqliteTable("job_leases", {
  name: text().primaryKey(),
  leasedUntil: integer("leased_until").notNull(),
  runs: integer().notNull().default(0),
  failures: integer().notNull().default(0),
  items: integer().notNull().default(0),
  lastRunAt: integer("last_run_at"),
});
