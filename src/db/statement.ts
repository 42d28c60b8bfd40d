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
  const names = fields.map(({ path }) => path[0] ?? "");
  const decoders = fields.map(({ field }) => decoderOf(field));
  return (rows) =>
    rows.map((row) => {
      const mapped: Record<string, unknown> = {};
      let i = 0;
      // The columns are in the order of the fields.
      for (const column in row) {
        const value = row[column];
        const decode = decoders[i];
        mapped[names[i] ?? ""] = value === null || !decode ? value : decode(value);
        i += 1;
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

/** The number of forms of a statement that are kept. */
const MAX_FORMS = 100;

/** The values of a statement, with a slot for each of those in `B` that is not undefined. */
export type Form<V, B extends keyof V> = Omit<V, B> & {
  readonly [K in B]: Placeholder | Extract<V[K], undefined>;
};

/**
 * As `prepareOnce`, for a statement that has several forms: `bound` are the values that its SQL does not depend on. The SQL is built
 * once per isolate for all values that differ only in those.
 */
export function prepareForms<V extends Record<string, unknown>>() {
  return <B extends keyof V & string, S extends Statement>(
    bound: readonly B[],
    build: (form: Form<V, B>) => S,
  ): ((values: V) => S) => {
    const forms = new Map<string, (values: V) => S>();
    return (values) => {
      const form: Record<string, unknown> = { ...values };
      for (const name of bound) if (form[name] !== undefined) form[name] = sql.placeholder(name);
      const key = JSON.stringify(form);
      const known = forms.get(key);
      if (known) return known(values);
      if (forms.size >= MAX_FORMS) forms.clear();
      const fill = prepareOnce<V>()(() => build(form as Form<V, B>));
      forms.set(key, fill);
      return fill(values);
    };
  };
}
