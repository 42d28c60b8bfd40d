import { join } from "node:path";
import { parseArgs } from "node:util";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { retryWhileBusy, saysBusy } from "./busy.ts";
import { UsageError } from "./fail.ts";

/** The stores of a local worker, as wrangler.toml binds them. */
interface LocalStores {
  DB: D1Database;
  KV: KVNamespace;
  ARCHIVE?: R2Bucket;
}

type StoreKind = "d1Databases" | "kvNamespaces" | "r2Buckets";
type Bindings = Record<string, { id: string }>;

interface OpenStores {
  stores: LocalStores;
  /** What the runtime reports. The errors of stores do not always have the reason. */
  log: readonly string[];
  close(): Promise<void>;
}

interface SharedStores {
  users: number;
  open?: Promise<OpenStores>;
}

/** Where wrangler keeps local stores. */
const DEFAULT_STATE = ".wrangler/state";

const shared = new Map<string, SharedStores>();

/** Whether wrangler's flags select local stores. */
export function isLocal(where: readonly string[]): boolean {
  return where.includes("--local");
}

/**
 * Calls `work` with the local stores that wrangler's flags select, opened in this process: a command of wrangler takes seconds to
 * start. Tries again while another process is using the database. Throws a UsageError with the message of a store that fails.
 */
export function withLocalStores<T>(
  where: readonly string[],
  work: (stores: LocalStores) => Promise<T>,
): Promise<T> {
  return retryWhileBusy(async () => {
    const shares = share(where);
    try {
      shares.open ??= open(where);
      const { stores, log } = await shares.open;
      const start = log.length;
      return await work(stores).catch((error: Error) => {
        const messages = [error.message, ...log.slice(start)];
        throw new UsageError(messages.find(saysBusy) ?? error.message);
      });
    } finally {
      await release(where);
    }
  });
}

/** Calls `work`, which uses local stores several times: between its uses, they stay open. */
export async function keepLocalStores<T>(
  where: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  share(where);
  try {
    return await work();
  } finally {
    await release(where);
  }
}

function share(where: readonly string[]): SharedStores {
  const key = where.join(" ");
  const stores = shared.get(key) ?? { users: 0 };
  stores.users += 1;
  shared.set(key, stores);
  return stores;
}

/** The last user closes the stores. */
async function release(where: readonly string[]): Promise<void> {
  const key = where.join(" ");
  const stores = shared.get(key);
  if (!stores) return;
  stores.users -= 1;
  if (stores.users > 0) return;
  shared.delete(key);
  await (await stores.open)?.close();
}

async function open(where: readonly string[]): Promise<OpenStores> {
  const { env, "persist-to": state = DEFAULT_STATE } = readFlags(where);
  const { d1Databases, kvNamespaces, r2Buckets } = await readBindings(env);
  const log: string[] = [];
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      modules: true,
      script: "",
      d1Databases,
      kvNamespaces,
      r2Buckets,
      resourcePersistencePath: join(state, "v3"),
      handleStructuredLogs: ({ message }: { message: string }) => log.push(message),
    }),
  );
  const stores = await miniflare.getBindings<LocalStores>();
  return { stores, log, close: () => miniflare.dispose() };
}

/** The bindings of wrangler.toml, with the ids under which wrangler stores them. */
async function readBindings(env: string | undefined): Promise<Record<StoreKind, Bindings>> {
  const { unstable_getMiniflareWorkerOptions: readOptions } = await import("wrangler");
  const log = process.env.WRANGLER_LOG;
  // Otherwise it prints which file has the secrets.
  process.env.WRANGLER_LOG = "error";
  try {
    return readOptions("wrangler.toml", env).workerOptions as Record<StoreKind, Bindings>;
  } finally {
    if (log === undefined) delete process.env.WRANGLER_LOG;
    else process.env.WRANGLER_LOG = log;
  }
}

function readFlags(where: readonly string[]) {
  const options = {
    local: { type: "boolean" },
    env: { type: "string" },
    "persist-to": { type: "string" },
  } as const;
  return parseArgs({ args: [...where], options }).values;
}
