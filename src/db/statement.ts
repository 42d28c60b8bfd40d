import { Column, fillPlaceholders, is, type Placeholder, type Query, sql } from "drizzle-orm";

/** A drizzle statement that has not been sent. `T` is the type of its rows. */
export interface Statement<T = unknown> {
  readonly _: { readonly dialect: "sqlite"; readonly result: T };
}

/** The SQL and parameters of a statement, and the mapping of the rows that D1 returns. */
export interface PreparedStatement {
  sql: string;
  params: unknown[];
  mapRows(rows: readonly Record<string, unknown>[]): unknown[];
}

/** A statement that drizzle has prepared. Drizzle's own batch uses this, but its types do not include it. */
interface DrizzlePrepared {
  getQuery(): Query;
  fields?: readonly { path: readonly string[]; field: unknown }[];
}

/** Builds the SQL of a statement. */
export function prepareStatement(statement: Statement): PreparedStatement {
  if (isFilled(statement)) return statement.prepared;
  const prepared = (statement as unknown as { _prepare(): DrizzlePrepared })._prepare();
  const { sql: text, params } = prepared.getQuery();
  return { sql: text, params, mapRows: createMapper(prepared) };
}

// Replaces drizzle's mapping, which walks a path for every value of every row. Selections here are flat.
function createMapper({ fields }: DrizzlePrepared): PreparedStatement["mapRows"] {
  if (!fields) return (rows) => [...rows];
  const columns = fields.map(({ path, field }) => ({
    name: path[0] ?? "",
    decode: decoderOf(field),
  }));
  return (rows) =>
    rows.map((row) => {
      const values = Object.values(row);
      const mapped: Record<string, unknown> = {};
      for (let i = 0; i < columns.length; i += 1) {
        const column = columns[i];
        const value = values[i];
        if (column)
          mapped[column.name] = value === null || !column.decode ? value : column.decode(value);
      }
      return mapped;
    });
}

// Undefined for columns whose values need no decoding: text and integers.
function decoderOf(field: unknown): ((value: unknown) => unknown) | undefined {
  const decoder = is(field, Column) ? field : (field as { decoder?: Decoder }).decoder;
  const found = decoder ?? (field as { sql: { decoder: Decoder } }).sql.decoder;
  if (found.mapFromDriverValue === Column.prototype.mapFromDriverValue) return undefined;
  return (value) => found.mapFromDriverValue(value);
}

interface Decoder {
  mapFromDriverValue(value: unknown): unknown;
}

type Slots<V> = { readonly [K in keyof V]: Placeholder };

/** A prepared statement with the values of one request. */
interface FilledStatement {
  prepared: PreparedStatement;
}

function isFilled(statement: object): statement is FilledStatement {
  return "prepared" in statement;
}

/**
 * A statement whose SQL is built once per isolate and filled with values per request. Every value is bound, never
 * written into the text. `build` must depend on nothing but its slots.
 */
export function prepareOnce<V extends Record<string, unknown>>() {
  return <S extends Statement>(build: (slots: Slots<V>) => S): ((values: V) => S) => {
    let template: PreparedStatement | undefined;
    const slots = new Proxy({} as Slots<V>, { get: (_, name) => sql.placeholder(String(name)) });
    return (values) => {
      template ??= prepareStatement(build(slots));
      const prepared = { ...template, params: fillPlaceholders(template.params, values) };
      return { prepared } satisfies FilledStatement as unknown as S;
    };
  };
}
