import { env } from "cloudflare:workers";
import { awaitMoment, wrapD1 } from "./d1.ts";

/** When a binding fails: by the SQL of a round trip, or by the key of a KV operation. */
export type FailsAt = (text: string) => boolean;

export const always: FailsAt = () => true;

/** At every round trip or KV operation that matches. The test fails if none does. */
export function at(pattern: RegExp): FailsAt {
  const moment = awaitMoment(pattern);
  return (text) => moment.isNow(text);
}

interface Faults {
  /** Before a D1 round trip. */
  d1?: FailsAt;
  /** After D1 has done the work: its answer is lost. */
  d1AnswerLost?: FailsAt;
  d1Message?: string;
  kvGet?: FailsAt;
  kvPut?: FailsAt;
}

/** The test's bindings, wrapped so that they fail when told to. */
export function faultyBindings(faults: Faults): Cloudflare.Env {
  const message = `D1_ERROR: ${faults.d1Message ?? "Network connection lost."}`;
  const failIf = (fails: FailsAt | undefined) => async (sql: string) => {
    if (fails?.(sql)) throw new Error(message);
  };
  const DB = wrapD1({ before: failIf(faults.d1), after: failIf(faults.d1AnswerLost) });
  return { ...env, DB, KV: faultyKv(env.KV, faults) };
}

function faultyKv(namespace: KVNamespace, faults: Faults): KVNamespace {
  return {
    get: async (key: string, options: KVNamespaceGetOptions<"json">) => {
      if (faults.kvGet?.(key)) throw new Error("KV GET failed: 500 Internal Server Error");
      return namespace.get(key, options);
    },
    put: async (key: string, value: string, options: KVNamespacePutOptions) => {
      if (faults.kvPut?.(key)) throw new Error("KV PUT failed: 429 Too Many Requests");
      return namespace.put(key, value, options);
    },
  } as unknown as KVNamespace;
}
