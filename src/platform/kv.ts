import { type Meter, measureDuration } from "../lib/meter.ts";

/** The smallest `expirationTtl` that KV accepts. */
const MIN_TTL_SECONDS = 60;
/** The smallest `cacheTtl` that KV accepts: how long a location may return its cached copy. */
const CACHE_TTL_SECONDS = 30;

/** JSON values in KV. KV is eventually consistent, so nothing that must be exact relies on it. */
export interface Kv {
  get(key: string): Promise<unknown>;
  put(key: string, value: unknown, ttlSeconds: number): Promise<void>;
}

/** Wraps a KV namespace and counts every operation on the meter. */
export function createKv(namespace: KVNamespace, meter: Meter): Kv {
  return {
    get(key) {
      meter.kv.reads += 1;
      return measureDuration(meter.kv, () =>
        namespace.get(key, { type: "json", cacheTtl: CACHE_TTL_SECONDS }),
      );
    },
    put(key, value, ttlSeconds) {
      meter.kv.writes += 1;
      const expirationTtl = Math.max(MIN_TTL_SECONDS, Math.ceil(ttlSeconds));
      return measureDuration(meter.kv, () =>
        namespace.put(key, JSON.stringify(value), { expirationTtl }),
      );
    },
  };
}
