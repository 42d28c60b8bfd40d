import { integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** Alerts that have fired at least once, and whether they fire now. */
export const alerts = sqliteTable("alerts", {
  name: text().primaryKey(),
  isFiring: integer("is_firing", { mode: "boolean" }).notNull(),
  since: integer().notNull(),
});

/** Changes of alerts that the webhook has not accepted yet. `value` and `threshold` are those that were compared. */
export const alertNotices = sqliteTable("alert_notices", {
  id: text().primaryKey(),
  alert: text().notNull(),
  isFiring: integer("is_firing", { mode: "boolean" }).notNull(),
  summary: text().notNull(),
  value: real().notNull(),
  threshold: real().notNull(),
  createdAt: integer("created_at").notNull(),
});
