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

/** What a request may read from replicas of D1, and the states of the database that it has seen, as bookmarks. */
export interface Replication {
  /** Reads may come from any replica at or past `atLeast`. Otherwise they come from the primary, as writes always do. */
  mayLag: boolean;
  atLeast?: string;
  /** The bookmark of the latest round trip. */
  reached?: string;
}

/** The database of one request. */
export interface Connection {
  /** Undefined if read replicas are not in use: the primary does everything. */
  readonly replication: Replication | undefined;
  /** Sends statements as one transaction, in the order of their names, in one round trip. */
  send<const S extends Statements>(statements: S): Promise<Rows<S>>;
}

/**
 * Connects a request to D1. Every round trip and every row is counted on the meter. With `replication`, every round trip is a
 * session of its own, because only the first query of a session is sure to reach the primary.
 */
export function connect(database: D1Database, meter: Meter, replication?: Replication): Connection {
  return {
    replication,
    async send<const S extends Statements>(statements: S) {
      const sent = Object.entries(statements).flatMap(([name, statement]) =>
        statement ? [{ name, prepared: prepareStatement(statement) }] : [],
      );
      const session = replication && database.withSession(toAnchor(replication));
      const target = session ?? database;
      const bound = sent.map(({ prepared: { sql, params } }) =>
        target.prepare(sql).bind(...params),
      );
      meter.d1.queries += 1;
      const results = await measureDuration(meter.d1, () =>
        target.batch<Record<string, unknown>>(bound),
      );
      if (replication && session) advance(replication, session.getBookmark());
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

function toAnchor({ mayLag, atLeast }: Replication): string {
  return mayLag ? (atLeast ?? "first-unconstrained") : "first-primary";
}

// What a request reads later is never older than what it has read. Bookmarks sort by age.
function advance(replication: Replication, bookmark: string | null): void {
  if (bookmark === null || bookmark <= (replication.reached ?? "")) return;
  replication.reached = bookmark;
  if (bookmark > (replication.atLeast ?? "")) replication.atLeast = bookmark;
}
