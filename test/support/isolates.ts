import { env } from "cloudflare:workers";
import { getIsolate } from "../../src/context.ts";

let current: Cloudflare.Env = env;

/** The bindings that a test file's requests use by default: they share one isolate. */
export function currentIsolate(): Cloudflare.Env {
  return current;
}

/** Replaces the default isolate with one whose memory is empty. */
export function resetIsolate(): void {
  current = warm({ ...env });
}

/**
 * Lets the isolate of these bindings rely on there being no revocation epoch in KV, as if it had just read it. Otherwise its first
 * request in a minute costs one KV read more.
 */
export function warm<B extends object>(bindings: B): B {
  getIsolate(bindings).memory.revocation.refreshAt = Number.POSITIVE_INFINITY;
  return bindings;
}

/** Bindings of a new isolate with the given settings, whose memory is empty but warm. Undefined settings are removed. */
export function createIsolate(settings: Record<string, string | undefined> = {}): Cloudflare.Env {
  return warm(createColdIsolate(settings));
}

/** Like `createIsolate`, before its first request. */
export function createColdIsolate(
  settings: Record<string, string | undefined> = {},
): Cloudflare.Env {
  const bindings: Record<string, unknown> = { ...env, ...settings };
  for (const [name, value] of Object.entries(settings))
    if (value === undefined) delete bindings[name];
  return bindings as unknown as Cloudflare.Env;
}

interface KvCall {
  key: string;
  at: number;
  /** How long a value that is written lives. */
  ttlSeconds?: number | undefined;
}

/** Like `createIsolate`, and records the KV reads and writes. */
export function createWatchedIsolate(settings: Record<string, string | undefined> = {}) {
  const gets: KvCall[] = [];
  const puts: KvCall[] = [];
  const KV = {
    get: (key: string, options: KVNamespaceGetOptions<"json">) => {
      gets.push({ key, at: Date.now() });
      return env.KV.get(key, options);
    },
    put: (key: string, value: string, options: KVNamespacePutOptions) => {
      puts.push({ key, at: Date.now(), ttlSeconds: options.expirationTtl });
      return env.KV.put(key, value, options);
    },
  } as unknown as KVNamespace;
  return { bindings: warm({ ...createIsolate(settings), KV }), gets, puts };
}

/** KV as seen from a location with a stale cache: after the first read of a key, the next `reads` reads return the same value. */
export function createStaleKv(reads: number): KVNamespace {
  const seen = new Map<string, { value: unknown; left: number }>();
  return {
    get: async (key: string) => {
      const value = await env.KV.get(key, "json");
      const before = seen.get(key);
      if (before && before.left > 0) {
        before.left -= 1;
        return before.value;
      }
      seen.set(key, { value, left: reads });
      return value;
    },
    put: (key: string, value: string, options: KVNamespacePutOptions) =>
      env.KV.put(key, value, options),
  } as unknown as KVNamespace;
}
