import { eq, type SQL } from "drizzle-orm";
import type { Db } from "./client.ts";
import { measurements } from "./schema/metric-counters.ts";

/** Stores what a scheduled job has measured, in place of its previous measurement. `value` is stored as JSON. */
export function storeMeasurement(db: Db, name: string, value: unknown, now: number) {
  return db
    .insert(measurements)
    .values({ name, value, measuredAt: now })
    .onConflictDoUpdate({ target: measurements.name, set: { value, measuredAt: now } });
}

/** The latest measurement of a scheduled job. `T` is the type of what it stores. */
export function findMeasurement<T>(db: Db, name: string) {
  return db
    .select({
      value: measurements.value as unknown as SQL.Aliased<T>,
      measuredAt: measurements.measuredAt,
    })
    .from(measurements)
    .where(eq(measurements.name, name));
}
