import { env } from "cloudflare:workers";

type Hook = (sql: string) => Promise<unknown> | undefined;

interface Hooks {
  /** Called with the SQL of a round trip, one statement per line, before it is sent. */
  before?: Hook;
  /** The same after D1 has done the work and before its answer arrives. */
  after?: Hook;
}

/** The test's database with hooks around each round trip. The worker sends everything as a batch. */
export function wrapD1({ before, after }: Hooks, database: D1Database = env.DB): D1Database {
  const texts = new WeakMap<D1PreparedStatement, string>();
  return {
    prepare: (sql: string) => {
      const statement = database.prepare(sql);
      return {
        bind: (...values: unknown[]) => {
          const bound = statement.bind(...values);
          texts.set(bound, sql);
          return bound;
        },
      };
    },
    batch: async (statements: D1PreparedStatement[]) => {
      const sql = statements.map((statement) => texts.get(statement) ?? "").join(";\n");
      await before?.(sql);
      const results = await database.batch(statements);
      await after?.(sql);
      return results;
    },
  } as unknown as D1Database;
}

/** Moments that a test waits for and that have not come. */
const awaited = new Set<string>();

/** Waits for a round trip that matches; the test fails if none ever does. */
export function awaitMoment(pattern: RegExp): { isNow(sql: string): boolean } {
  const name = String(pattern);
  awaited.add(name);
  return {
    isNow(sql) {
      const matches = pattern.test(sql);
      if (matches) awaited.delete(name);
      return matches;
    },
  };
}

/** The moments that never came, and forgets them. */
export function takeMissedMoments(): string[] {
  const missed = [...awaited];
  awaited.clear();
  return missed;
}

/**
 * Bindings whose D1 does something else first, once, before the first round trip with a statement that matches. What it does
 * has happened by then as far as the worker's statement is concerned. The test fails if no statement matches.
 */
export function beforeStatement(
  pattern: RegExp,
  action: () => Promise<unknown>,
  bindings: Cloudflare.Env = env,
): Cloudflare.Env {
  const moment = awaitMoment(pattern);
  let hasHappened = false;
  const before = (sql: string) => {
    if (hasHappened || !moment.isNow(sql)) return undefined;
    hasHappened = true;
    return action();
  };
  return { ...bindings, DB: wrapD1({ before }, bindings.DB) };
}

/** The same after D1 has done the work and before its answer arrives. */
export function afterStatement(
  pattern: RegExp,
  action: () => Promise<unknown>,
  bindings: Cloudflare.Env = env,
): Cloudflare.Env {
  const moment = awaitMoment(pattern);
  let hasHappened = false;
  const after = (sql: string) => {
    if (hasHappened || !moment.isNow(sql)) return undefined;
    hasHappened = true;
    return action();
  };
  return { ...bindings, DB: wrapD1({ after }, bindings.DB) };
}

/** Bindings whose D1 does something else first, before every round trip with a statement that matches. The test fails if none does. */
export function beforeEachStatement(
  pattern: RegExp,
  action: () => Promise<unknown>,
  bindings: Cloudflare.Env = env,
): Cloudflare.Env {
  const moment = awaitMoment(pattern);
  const before = (sql: string) => (moment.isNow(sql) ? action() : undefined);
  return { ...bindings, DB: wrapD1({ before }, bindings.DB) };
}
