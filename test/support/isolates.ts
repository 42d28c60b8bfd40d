import { env } from "cloudflare:workers";
import { rememberStatements } from "./plans.ts";

let current: Cloudflare.Env = env;

/** The bindings that requests of this file run against, unless they name others: one isolate for all of them. */
export function currentIsolate(): Cloudflare.Env {
  return current;
}

/** Forgets what the isolate has kept in memory. */
export function renewIsolate(): void {
  current = { ...env, DB: rememberStatements(env.DB) };
}

/** The bindings of an isolate that knows nothing yet, with settings of its own; those that are undefined are not set. */
export function isolate(settings: Record<string, string | undefined> = {}): Cloudflare.Env {
  const bindings: Record<string, unknown> = { ...env, ...settings };
  for (const [name, value] of Object.entries(settings))
    if (value === undefined) delete bindings[name];
  return bindings as unknown as Cloudflare.Env;
}

interface KvCall {
  key: string;
  at: number;
}

/** An isolate whose use of KV is written down. */
export function watchedIsolate(settings: Record<string, string | undefined> = {}) {
  const gets: KvCall[] = [];
  const puts: KvCall[] = [];
  const KV = {
    get: (key: string, options: KVNamespaceGetOptions<"json">) => {
      gets.push({ key, at: Date.now() });
      return env.KV.get(key, options);
    },
    put: (key: string, value: string, options: KVNamespacePutOptions) => {
      puts.push({ key, at: Date.now() });
      return env.KV.put(key, value, options);
    },
  } as unknown as KVNamespace;
  return { bindings: { ...isolate(settings), KV }, gets, puts };
}

/** KV as a location may see it that has read each key before: so many more reads of a key get what it was at the first. */
export function staleKv(reads: number): KVNamespace {
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
