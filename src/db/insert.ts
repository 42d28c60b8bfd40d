import {
  getTableColumns,
  type InferInsertModel,
  type InferSelectModel,
  is,
  SQL,
  sql,
} from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
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

/** A column of the row that `insertRowsWhere` inserts, for its condition. */
export function ofRow(column: SQLiteColumn): SQL {
  return sql`(input.value ->> ${sql.raw(`'${column.name}'`)})`;
}

/**
 * Inserts each of many rows where the condition holds for it, in one statement with one parameter, which D1 limits to 2 MB. The
 * condition refers to the columns of the row with `ofRow`.
 */
export function insertRowsWhere<T extends SQLiteTable>(
  db: Db,
  table: T,
  rows: readonly Pick<InferSelectModel<T>, StoredColumn<T>>[],
  condition: SQL,
) {
  const all = Object.entries(getTableColumns(table) as Record<string, SQLiteColumn>);
  const columns = all.filter(([, column]) => column.generated === undefined);
  const input = rows.map((row) => {
    const entries = columns.map(([name, column]) => {
      const value: unknown = row[name as StoredColumn<T>];
      return [column.name, value === null ? null : column.mapToDriverValue(value)];
    });
    return Object.fromEntries(entries);
  });
  const values = columns.map(([, column]) => ofRow(column));
  return db
    .insert(table)
    .select(
      sql`SELECT ${sql.join(values, sql`, `)} FROM json_each(${JSON.stringify(input)}) AS input WHERE ${condition}`,
    );
}
