import { env } from "cloudflare:workers";

/** When a binding fails: at its n-th call (from 1), or by whatever the test decides. */
export type FailsAt = (call: number) => boolean;

export const always: FailsAt = () => true;
export const nth =
  (n: number): FailsAt =>
  (call) =>
    call === n;

interface Faults {
  /** Before a D1 round trip: a batch is one. */
  d1?: FailsAt;
  /** After D1 has done the work: its answer is lost. */
  d1AnswerLost?: FailsAt;
  d1Message?: string;
  kvGet?: FailsAt;
  kvPut?: FailsAt;
}

/** The test's bindings, wrapped so that they fail when told to. */
export function faultyBindings(faults: Faults): Cloudflare.Env {
  return { ...env, DB: faultyD1(env.DB, faults), KV: faultyKv(env.KV, faults) };
}

function faultyD1(database: D1Database, faults: Faults): D1Database {
  const message = `D1_ERROR: ${faults.d1Message ?? "Network connection lost."}`;
  const originals = new WeakMap<object, D1PreparedStatement>();
  let calls = 0;
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    calls += 1;
    const call = calls;
    if (faults.d1?.(call)) throw new Error(message);
    const result = await work();
    if (faults.d1AnswerLost?.(call)) throw new Error(message);
    return result;
  };
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = {
      bind: (...values: unknown[]) => wrap(statement.bind(...values)),
      all: () => guarded(() => statement.all()),
    } as unknown as D1PreparedStatement;
    originals.set(wrapped, statement);
    return wrapped;
  };
  return {
    prepare: (query: string) => wrap(database.prepare(query)),
    batch: (statements: D1PreparedStatement[]) =>
      guarded(() => database.batch(statements.map((s) => originals.get(s) ?? s))),
  } as unknown as D1Database;
}

function faultyKv(namespace: KVNamespace, faults: Faults): KVNamespace {
  let gets = 0;
  let puts = 0;
  return {
    get: async (key: string, options: KVNamespaceGetOptions<"json">) => {
      gets += 1;
      if (faults.kvGet?.(gets)) throw new Error("KV GET failed: 500 Internal Server Error");
      return namespace.get(key, options);
    },
    put: async (key: string, value: string, options: KVNamespacePutOptions) => {
      puts += 1;
      if (faults.kvPut?.(puts)) throw new Error("KV PUT failed: 429 Too Many Requests");
      return namespace.put(key, value, options);
    },
  } as unknown as KVNamespace;
}
