import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

/** Builds statements. Only a connection can send them (see connection.ts). */
export type Db = Omit<
  DrizzleD1Database,
  "batch" | "run" | "all" | "get" | "values" | "transaction"
>;

const unconnected = { prepare: () => undefined } as unknown as D1Database;

/** The statement builder, made once per isolate. */
export const db: Db = drizzle(unconnected);
