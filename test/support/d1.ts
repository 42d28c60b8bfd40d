import { env } from "cloudflare:workers";

type Hook = (sql: string) => Promise<unknown> | undefined;

interface Hooks {
  /** Whether a round trip is left out, so that its statements change nothing and return no rows. */
  isLeftOut?: (sql: string) => boolean;
  /** Called before a round trip with its SQL, one statement per line. */
  before?: Hook;
  /** Called after D1 has committed and before its response arrives. */
  after?: Hook;
}

/** The test's database with hooks around each round trip. The worker sends every round trip as a batch. */
export function wrapD1(
  { isLeftOut, before, after }: Hooks,
  database: D1Database = env.DB,
): D1Database {
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
      if (isLeftOut?.(sql)) return statements.map(() => ({ success: true, results: [], meta: {} }));
      await before?.(sql);
      const results = await database.batch(statements);
      await after?.(sql);
      return results;
    },
  } as unknown as D1Database;
}

/** Patterns that a test expects to match and that have not matched yet. */
const unmatched = new Set<string>();

/** Expects a round trip that matches. The test fails if none does. */
export function expectStatement(pattern: RegExp): { matches(sql: string): boolean } {
  const name = String(pattern);
  unmatched.add(name);
  return {
    matches(sql) {
      const matches = pattern.test(sql);
      if (matches) unmatched.delete(name);
      return matches;
    },
  };
}

/** Returns and resets the patterns that have not matched. */
export function takeUnmatchedStatements(): string[] {
  const patterns = [...unmatched];
  unmatched.clear();
  return patterns;
}

/**
 * Bindings that run an action once, before the first round trip with a statement that matches. The action has completed before
 * the worker's statement runs. The test fails if no statement matches.
 */
export function beforeStatement(
  pattern: RegExp,
  action: () => Promise<unknown>,
  bindings: Cloudflare.Env = env,
): Cloudflare.Env {
  return { ...bindings, DB: wrapD1({ before: once(pattern, action) }, bindings.DB) };
}

/** Like `beforeStatement`, but after D1 has committed and before its response arrives. */
export function afterStatement(
  pattern: RegExp,
  action: () => Promise<unknown>,
  bindings: Cloudflare.Env = env,
): Cloudflare.Env {
  return { ...bindings, DB: wrapD1({ after: once(pattern, action) }, bindings.DB) };
}

function once(pattern: RegExp, action: () => Promise<unknown>): Hook {
  const statement = expectStatement(pattern);
  let hasRun = false;
  return (sql) => {
    if (hasRun || !statement.matches(sql)) return undefined;
    hasRun = true;
    return action();
  };
}

/** Like `beforeStatement`, but before every round trip with a statement that matches. */
export function beforeEachStatement(
  pattern: RegExp,
  action: () => Promise<unknown>,
  bindings: Cloudflare.Env = env,
): Cloudflare.Env {
  const statement = expectStatement(pattern);
  const before = (sql: string) => (statement.matches(sql) ? action() : undefined);
  return { ...bindings, DB: wrapD1({ before }, bindings.DB) };
}

/**
 * Bindings with which no change finds what it was planned for, as if another one had come first every time: round trips that record an
 * audit event change nothing. The test fails if there is none.
 */
export function overtakeChanges(bindings: Cloudflare.Env = env): Cloudflare.Env {
  const recorded = expectStatement(/insert into "audit_events"/);
  const isLeftOut = (sql: string) => recorded.matches(sql);
  return { ...bindings, DB: wrapD1({ isLeftOut }, bindings.DB) };
}
