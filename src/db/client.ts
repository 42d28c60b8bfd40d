import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { Meter } from "../lib/meter.ts";
import { meterD1 } from "./metered-d1.ts";

export type Db = DrizzleD1Database;

/** The database of one request: drizzle over D1, every round trip counted on the meter. */
export function createDb(database: D1Database, meter: Meter): Db {
  return drizzle(meterD1(database, meter));
}
