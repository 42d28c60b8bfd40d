import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Which scheduled job is running, and until when nobody else may run it. */
export const jobLeases = sqliteTable("job_leases", {
  name: text().primaryKey(),
  leasedUntil: integer("leased_until").notNull(),
});
