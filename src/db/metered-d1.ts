import { type Meter, timed } from "../lib/meter.ts";

/**
 * A D1 database that adds what it does to the meter: a round trip is one query, a batch too.
 * `raw()` is served from `all()`, the only form whose answer tells the rows read; so every column of a query needs a name of its own.
 */
export function meterD1(database: D1Database, meter: Meter): D1Database {
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>();

  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const all = async <T>() => {
      const result = await roundTrip(() => statement.all<T>());
      count(result);
      return result;
    };
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all,
      run: all,
      raw: async () => {
        const { results } = await all<Record<string, unknown>>();
        return results.map((row) => Object.values(row));
      },
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, statement);
    return wrapped;
  };

  const roundTrip = <T>(work: () => Promise<T>): Promise<T> => {
    meter.d1.queries += 1;
    return timed(meter.d1, work);
  };

  const count = ({ meta }: D1Result): void => {
    meter.d1.rowsRead += meta.rows_read;
    meter.d1.rowsWritten += meta.rows_written;
  };

  return {
    prepare: (query: string) => wrap(database.prepare(query)),
    batch: async <T>(statements: D1PreparedStatement[]) => {
      const results = await roundTrip(() =>
        database.batch<T>(statements.map((statement) => originals.get(statement) ?? statement)),
      );
      for (const result of results) count(result);
      return results;
    },
  } as unknown as D1Database;
}
