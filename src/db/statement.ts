import { fillPlaceholders, type Placeholder, type Query, sql } from "drizzle-orm";

/** A statement of drizzle's that has not been sent, by the rows that it returns. */
export interface Statement<T = unknown> {
  readonly _: { readonly dialect: "sqlite"; readonly result: T };
}

/** What drizzle makes of a statement: its text and values, and the rows from D1's answer. */
export interface PreparedStatement {
  getQuery(): Query;
  mapResult(response: unknown, isFromBatch: true): unknown;
}

/** Builds the SQL of a statement. Drizzle's own batch does the same; its types leave the method out. */
export function prepareStatement(statement: Statement): PreparedStatement {
  return (statement as unknown as { _prepare(): PreparedStatement })._prepare();
}

type Slots<V> = { readonly [K in keyof V]: Placeholder };

/**
 * A statement whose SQL is built once per isolate and filled with values per request. Every value is bound, never
 * written into the text. `build` must depend on nothing but its slots.
 */
export function prepareOnce<V extends Record<string, unknown>>() {
  return <S extends Statement>(build: (slots: Slots<V>) => S): ((values: V) => S) => {
    let prepared: PreparedStatement | undefined;
    let query: Query | undefined;
    const slots = new Proxy({} as Slots<V>, { get: (_, name) => sql.placeholder(String(name)) });
    return (values) => {
      prepared ??= prepareStatement(build(slots));
      query ??= prepared.getQuery();
      const filled = { sql: query.sql, params: fillPlaceholders(query.params, values) };
      const { mapResult } = prepared;
      const statement: PreparedStatement = {
        getQuery: () => filled,
        mapResult: mapResult.bind(prepared),
      };
      return { _prepare: () => statement } as unknown as S;
    };
  };
}
