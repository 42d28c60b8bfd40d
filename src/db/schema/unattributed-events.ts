import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * Counts of what is not recorded one by one: requests that concern no known account, and refusals. One row per hour, action,
 * network and subject. `hour` is the start of the hour, `network` a range of addresses, and `subject_id` is empty if nobody is
 * known.
 */
export const unattributedEvents = sqliteTable(
  "unattributed_events",
  {
    hour: integer().notNull(),
    action: text().notNull(),
    network: text().notNull(),
    subjectId: text("subject_id").notNull().default(""),
    count: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.hour, table.action, table.network, table.subjectId] })],
);
