import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unstable_readConfig as readConfig } from "wrangler";
import type { StoredEvent } from "../../src/lib/audit-seal.ts";
import type { StoredSeal, TrailSource } from "./audit-verify.ts";
import { literal, readRows } from "./database.ts";
import { UsageError } from "./fail.ts";
import { isLocal, withLocalStores } from "./local-stores.ts";
import { runWrangler } from "./wrangler.ts";

/** How many events are read at once. A read takes a second or more, whatever it reads. */
const PAGE_EVENTS = 5000;
const NO_OBJECT = /key does not exist/i;

interface Place {
  /** The flags of wrangler that select the database. */
  where: readonly string[];
  env: string | undefined;
}

/** The trail in the database, and in the bucket that wrangler.toml binds to `ARCHIVE`, if there is one. */
export function createSource({ where, env }: Place): TrailSource {
  const config = readConfig({ env }, { hideWarnings: true });
  const buckets: { binding: string; bucket_name?: string }[] = config.r2_buckets;
  const bucket = buckets.find(({ binding }) => binding === "ARCHIVE")?.bucket_name;
  return {
    listSeals: async () =>
      (await readRows(where, "SELECT * FROM audit_seals ORDER BY day")) as StoredSeal[],
    readEvents: createEventReader(where),
    async readShortDigests(day) {
      const statement = `SELECT digests FROM audit_seal_rows WHERE day = ${literal(day)} ORDER BY part`;
      return ((await readRows(where, statement)) as { digests: string }[]).map(
        ({ digests }) => digests,
      );
    },
    ...(bucket && {
      readArchive: (key: string) =>
        isLocal(where) ? readLocalObject(where, key) : readObject(where, `${bucket}/${key}`),
    }),
  };
}

/** Reads ranges of events one after another. A page can have those of many ranges. */
function createEventReader(where: readonly string[]): TrailSource["readEvents"] {
  let events: AsyncGenerator<StoredEvent, undefined> | undefined;
  let next: StoredEvent | undefined;
  return async (from, until) => {
    const found: StoredEvent[] = [];
    if (!events) {
      events = walkEvents(where, from);
      next = (await events.next()).value;
    }
    while (next && next.id < until) {
      if (next.id >= from) found.push(next);
      next = (await events.next()).value;
    }
    return found;
  };
}

async function* walkEvents(
  where: readonly string[],
  from: string,
): AsyncGenerator<StoredEvent, undefined> {
  let begin = `id >= ${literal(from)}`;
  for (;;) {
    const page = `SELECT * FROM audit_events WHERE ${begin} ORDER BY id LIMIT ${PAGE_EVENTS}`;
    const events = (await readRows(where, page)) as StoredEvent[];
    yield* events;
    const last = events.at(-1);
    if (!last || events.length < PAGE_EVENTS) return undefined;
    begin = `id > ${literal(last.id)}`;
  }
}

function readLocalObject(where: readonly string[], key: string) {
  return withLocalStores(where, async ({ ARCHIVE }) => {
    const object = await ARCHIVE?.get(key);
    return object ? new Uint8Array(await object.arrayBuffer()) : undefined;
  });
}

async function readObject(where: readonly string[], path: string) {
  const folder = mkdtempSync(join(tmpdir(), "roster-audit-"));
  try {
    const file = join(folder, "object");
    const flags = where.filter((flag, index) => flag !== "--env" && where[index - 1] !== "--env");
    await runWrangler(["r2", "object", "get", path, "--file", file, ...flags]);
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if (error instanceof UsageError && NO_OBJECT.test(error.message)) return undefined;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
