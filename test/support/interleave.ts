import { env } from "cloudflare:workers";

/** Bindings whose D1 does something else first, before the n-th round trip (from 1) that goes through them. */
export function beforeD1(action: (call: number) => Promise<unknown> | undefined): Cloudflare.Env {
  const originals = new WeakMap<object, D1PreparedStatement>();
  let calls = 0;
  const preceded = async <T>(work: () => Promise<T>): Promise<T> => {
    calls += 1;
    await action(calls);
    return work();
  };
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: () => preceded(() => statement.all()),
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, statement);
    return wrapped;
  };
  const database = {
    prepare: (query: string) => wrap(env.DB.prepare(query)),
    batch: (statements: D1PreparedStatement[]) =>
      preceded(() => env.DB.batch(statements.map((s) => originals.get(s) ?? s))),
  } as unknown as D1Database;
  return { ...env, DB: database };
}

/** As `beforeD1`, for one round trip. */
export function beforeNthD1(n: number, action: () => Promise<unknown>): Cloudflare.Env {
  return beforeD1((call) => (call === n ? action() : undefined));
}
