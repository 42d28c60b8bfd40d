import { type Meter, timed } from "../lib/meter.ts";

/** The smallest `expirationTtl` that KV takes. */
const MIN_TTL_SECONDS = 60;
/** The smallest `cacheTtl` that KV takes: how long a location may answer from its own copy. */
const CACHE_TTL_SECONDS = 30;

/** JSON values in KV: eventually consistent, so nothing that must be exact rests on it. */
export interface Kv {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown, ttlSeconds: number): Promise<void>;
}

/** KV over a namespace, every operation counted on the meter. */
export function createKv(namespace: KVNamespace, meter: Meter): Kv {
  return {
    get(key) {
      meter.kv.reads += 1;
      return timed(meter.kv, () =>
        namespace.get(key, { type: "json", cacheTtl: CACHE_TTL_SECONDS }),
      );
    },
    put(key, value, ttlSeconds) {
      meter.kv.writes += 1;
      const expirationTtl = Math.max(MIN_TTL_SECONDS, Math.ceil(ttlSeconds));
      return timed(meter.kv, () => namespace.put(key, JSON.stringify(value), { expirationTtl }));
    },
  };
}
