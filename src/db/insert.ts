import {
  getTableColumns,
  type InferInsertModel,
  type InferSelectModel,
  is,
  SQL,
  sql,
} from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db } from "./client.ts";

type RowOf<T extends SQLiteTable> = {
  [K in StoredColumn<T>]: InferSelectModel<T>[K] | SQL;
};

/** The columns of a table that are not generated. */
type StoredColumn<T extends SQLiteTable> = keyof InferInsertModel<T> & keyof InferSelectModel<T>;

/**
 * Inserts a row where the condition holds. Takes a value or an SQL expression for every column of the table that is not generated,
 * so that a missing or swapped column does not compile.
 */
export function insertWhere<T extends SQLiteTable>(
  db: Db,
  table: T,
  row: RowOf<T>,
  condition: SQL,
) {
  const columns = Object.entries(getTableColumns(table));
  const stored = columns.filter(([, column]) => column.generated === undefined);
  const values = stored.map(([name, column]) => {
    const value: unknown = row[name as keyof RowOf<T>];
    if (is(value, SQL)) return value;
    return value === null ? sql`NULL` : sql.param(value, column);
  });
  return db.insert(table).select(sql`SELECT ${sql.join(values, sql`, `)} WHERE ${condition}`);
}
