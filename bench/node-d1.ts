import type { DatabaseSync, SQLInputValue } from "node:sqlite";

/** How long the statements of the API took, in milliseconds, without any transport. */
export interface Stopwatch {
  ms: number;
}

interface BoundStatement {
  sql: string;
  values: SQLInputValue[];
}

/** A D1 binding over a database of this process, as far as the API uses it: bound statements, sent as one transaction. */
export function createD1(database: DatabaseSync, stopwatch: Stopwatch): D1Database {
  const statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  const prepare = (sql: string) => {
    const known = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, known);
    return known;
  };
  const run = ({ sql, values }: BoundStatement) => {
    const results = prepare(sql).all(...values);
    return { results, success: true, meta: { rows_read: 0, rows_written: 0 } };
  };
  return {
    prepare: (sql: string) => ({
      bind: (...values: unknown[]) => ({ sql, values: values.map(toInput) }),
    }),
    async batch(bound: BoundStatement[]) {
      for (const { sql } of bound) prepare(sql);
      const start = performance.now();
      database.exec("BEGIN IMMEDIATE");
      try {
        const results = bound.map(run);
        database.exec("COMMIT");
        return results;
      } catch (error) {
        database.exec("ROLLBACK");
        throw error;
      } finally {
        stopwatch.ms += performance.now() - start;
      }
    },
  } as unknown as D1Database;
}

// As D1 does it.
function toInput(value: unknown): SQLInputValue {
  return typeof value === "boolean" ? Number(value) : (value as SQLInputValue);
}

/** A KV namespace in memory. */
export function createKv(): KVNamespace {
  const values = new Map<string, string>();
  return {
    get: async (key: string) => JSON.parse(values.get(key) ?? "null"),
    put: async (key: string, value: string) => void values.set(key, value),
  } as unknown as KVNamespace;
}
