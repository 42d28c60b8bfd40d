import { index, integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The counters of all isolates, since the first request. `series` is a JSON array of the name of the counter and the values of its
 * labels.
 */
export const metricCounters = sqliteTable("metric_counters", {
  series: text().primaryKey(),
  value: real().notNull(),
});

/** The latest batch of counts that each isolate has added to `metric_counters`, so that none is added twice. */
export const metricWriters = sqliteTable(
  "metric_writers",
  {
    id: text().primaryKey(),
    sequence: integer().notNull(),
    writtenAt: integer("written_at").notNull(),
  },
  (table) => [index("metric_writers_written_at").on(table.writtenAt)],
);

/** What scheduled jobs have measured, as JSON. */
export const measurements = sqliteTable("measurements", {
  name: text().primaryKey(),
  value: text({ mode: "json" }).notNull(),
  measuredAt: integer("measured_at").notNull(),
});
