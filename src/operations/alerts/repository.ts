import { eq, sql } from "drizzle-orm";
import type { Db } from "../../db/client.ts";
import { insertWhere } from "../../db/insert.ts";
import { alertNotices, alerts } from "../../db/schema/alerts.ts";

/** Records whether an alert fires, if that has changed. An alert that has never fired has no row. */
export function setAlert(
  db: Db,
  { name, isFiring, now }: { name: string; isFiring: boolean; now: number },
) {
  if (!isFiring) {
    return db
      .update(alerts)
      .set({ isFiring, since: now })
      .where(sql`${alerts.name} = ${name} AND ${alerts.isFiring} = 1`)
      .returning({ name: alerts.name });
  }
  return db
    .insert(alerts)
    .values({ name, isFiring, since: now })
    .onConflictDoUpdate({
      target: alerts.name,
      set: { isFiring, since: now },
      setWhere: sql`${alerts.isFiring} = 0`,
    })
    .returning({ name: alerts.name });
}

/** Every alert that has fired at least once. */
export function listAlerts(db: Db) {
  return db.select().from(alerts);
}

export type Notice = typeof alertNotices.$inferSelect;

/** Queues a notice if the previous statement of the same transaction has changed the alert. */
export function insertNotice(db: Db, notice: Notice) {
  return insertWhere(db, alertNotices, notice, sql`changes() > 0`);
}

/** The oldest notices that the webhook has not accepted. */
export function listNotices(db: Db, limit: number) {
  return db.select().from(alertNotices).orderBy(alertNotices.id).limit(limit);
}

export function deleteNotice(db: Db, id: string) {
  return db.delete(alertNotices).where(eq(alertNotices.id, id));
}
