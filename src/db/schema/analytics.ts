import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * What happened on each day, in numbers. `day` is a number since 1970, in UTC. The first four counts, except for registrations by
 * invitation, are added by a scheduled job: what the audit trail has had since then is added when they are read. Triggers on `users`
 * keep the rest. `gaps` is a JSON object: by the number of days since they were last active, how many people were active; 30 stands for
 * 30 or more, and for the first time. `cohorts` is a JSON object: by the Monday of the week in which they registered, how many people were
 * active for the first time in this week, if it is a later one; null once it is part of `analytics_cohorts`.
 */
export const analyticsDays = sqliteTable("analytics_days", {
  day: integer().primaryKey(),
  registrations: integer().notNull().default(0),
  logins: integer().notNull().default(0),
  failedLogins: integer("failed_logins").notNull().default(0),
  deletions: integer().notNull().default(0),
  activeUsers: integer("active_users").notNull().default(0),
  gaps: text({ mode: "json" }).$type<Record<string, number>>().notNull().default({}),
  cohorts: text({ mode: "json" }).$type<Record<string, number>>(),
});

/** How many of those who registered in the week of the Monday `cohort` were active in the week of the Monday `week`. */
export const analyticsCohorts = sqliteTable(
  "analytics_cohorts",
  {
    cohort: integer().notNull(),
    week: integer().notNull(),
    activeUsers: integer("active_users").notNull(),
  },
  (table) => [primaryKey({ columns: [table.cohort, table.week] })],
);

/** How far scheduled jobs have come, by name. */
export const analyticsProgress = sqliteTable("analytics_progress", {
  name: text().primaryKey(),
  through: text().notNull(),
});
