import { Column, fillPlaceholders, is, type Placeholder, type Query, sql } from "drizzle-orm";

/** A statement of drizzle's that has not been sent, by the rows that it returns. */
export interface Statement<T = unknown> {
  readonly _: { readonly dialect: "sqlite"; readonly result: T };
}

/** The text and values of a statement, and how the rows of D1's answer read. */
export interface PreparedStatement {
  sql: string;
  params: unknown[];
  mapRows(rows: readonly Record<string, unknown>[]): unknown[];
}

/** What drizzle makes of a statement. Its own batch uses the same; its types leave it out. */
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

// Drizzle's own mapping walks a path for every value of every row; selections here are flat.
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

// Undefined for columns whose values D1 answers as they are: text and integers.
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

/** A statement that was prepared before, with the values of this request. */
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
