import { type Meter, measureDuration } from "../lib/meter.ts";
import { prepareStatement, type Statement } from "./statement.ts";

/** Statements by name. One that does not apply is `false` or absent, and is not sent. */
export type Statements = Readonly<Record<string, Statement | false | undefined>>;

type RowsOf<S> = S extends { _: { result: infer R } }
  ? R extends readonly unknown[]
    ? R
    : never[]
  : never[];

/** The rows of each statement under its name; none for a statement that was not sent. */
export type Rows<S extends Statements> = {
  [K in keyof S]-?: RowsOf<Exclude<S[K], false | undefined>>;
};

/** The database of one request. */
export interface Connection {
  /** Sends statements as one transaction, in the order of their names, in one round trip. */
  send<const S extends Statements>(statements: S): Promise<Rows<S>>;
}

/** Connects a request to D1. Every round trip and every row is counted on the meter. */
export function connect(database: D1Database, meter: Meter): Connection {
  return {
    async send<const S extends Statements>(statements: S) {
      const sent = Object.entries(statements).flatMap(([name, statement]) =>
        statement ? [{ name, prepared: prepareStatement(statement) }] : [],
      );
      const bound = sent.map(({ prepared: { sql, params } }) =>
        database.prepare(sql).bind(...params),
      );
      meter.d1.queries += 1;
      const results = await measureDuration(meter.d1, () =>
        database.batch<Record<string, unknown>>(bound),
      );
      const rows: Record<string, unknown> = {};
      for (const name of Object.keys(statements)) rows[name] = [];
      for (const [index, { name, prepared }] of sent.entries()) {
        const result = results[index];
        meter.d1.rowsRead += result?.meta.rows_read ?? 0;
        meter.d1.rowsWritten += result?.meta.rows_written ?? 0;
        rows[name] = prepared.mapRows(result?.results ?? []);
      }
      return rows as Rows<S>;
    },
  };
}
