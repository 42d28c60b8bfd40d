import { getTableColumns, type InferSelectModel, is, SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db } from "./client.ts";

type RowOf<T extends SQLiteTable> = {
  [K in keyof InferSelectModel<T>]: InferSelectModel<T>[K] | SQL;
};

/**
 * Inserts a row where the condition holds. Takes a value or an SQL expression for every column of the table, so that
 * a missing or swapped column does not compile.
 */
export function insertWhere<T extends SQLiteTable>(
  db: Db,
  table: T,
  row: RowOf<T>,
  condition: SQL,
) {
  const values = Object.entries(getTableColumns(table)).map(([name, column]) => {
    const value: unknown = row[name as keyof RowOf<T>];
    if (is(value, SQL)) return value;
    return value === null ? sql`NULL` : sql.param(value, column);
  });
  return db.insert(table).select(sql`SELECT ${sql.join(values, sql`, `)} WHERE ${condition}`);
}
