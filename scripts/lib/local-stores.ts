import { join } from "node:path";
import { parseArgs } from "node:util";
import type { PlatformProxy } from "wrangler";
import { retryWhileBusy } from "./busy.ts";
import { UsageError } from "./fail.ts";
import { QUIET } from "./wrangler.ts";

/** The stores of a local worker, as wrangler.toml binds them. */
interface LocalStores {
  DB: D1Database;
  KV: KVNamespace;
  ARCHIVE?: R2Bucket;
}

interface SharedStores {
  users: number;
  proxy?: Promise<PlatformProxy<LocalStores>>;
}

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
    const stores = share(where);
    try {
      stores.proxy ??= open(where);
      return await work((await stores.proxy).env);
    } catch (error) {
      throw error instanceof UsageError ? error : new UsageError((error as Error).message);
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
  await (await stores.proxy)?.dispose();
}

async function open(where: readonly string[]): Promise<PlatformProxy<LocalStores>> {
  const { env, "persist-to": state } = readFlags(where);
  Object.assign(process.env, QUIET);
  const { getPlatformProxy } = await import("wrangler");
  const log = process.env.WRANGLER_LOG;
  // Otherwise it prints which secrets it uses.
  process.env.WRANGLER_LOG = "error";
  try {
    return await getPlatformProxy<LocalStores & Record<string, unknown>>({
      configPath: "wrangler.toml",
      ...(env && { environment: env }),
      ...(state && { persist: { path: join(state, "v3") } }),
      remoteBindings: false,
    });
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
