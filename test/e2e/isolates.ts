import type { Readable } from "node:stream";
import { readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { bundle } from "../../bench/bundle.ts";
import { newKeySettings } from "../../scripts/lib/new-keys.ts";
import { ROOT } from "./server.ts";

const COMPATIBILITY_DATE = "2026-09-15";

export interface Isolates {
  /** The address of each isolate. */
  urls: URL[];
  db: D1Database;
  /** Runs the jobs of a schedule in the first isolate. */
  runCron(cron: string): Promise<void>;
}

/**
 * Runs `work` against several isolates of the bundled worker that share D1 and KV. Each has a socket of its own, so that a client
 * chooses which isolate it asks. `settings` are those of each isolate. V8's inspector listens at `inspectorPort`, if there is one.
 * `noteLine` is called with each line that an isolate logs.
 */
export async function withIsolates(
  settings: readonly Readonly<Record<string, string>>[],
  work: (isolates: Isolates) => Promise<void>,
  inspectorPort?: number,
  noteLine: (line: string) => void = () => {},
): Promise<void> {
  const { script } = await bundle(new URL("../../wrangler.toml", import.meta.url));
  const keys = await newKeySettings("dev-");
  const names = settings.map((_, i) => `isolate-${i + 1}`);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      ...(inspectorPort !== undefined && { inspectorPort }),
      handleRuntimeStdio,
      handleStructuredLogs: ({ message }) => noteLine(message),
      workers: settings.map((own, i) => ({
        name: `isolate-${i + 1}`,
        modules: true,
        script,
        compatibilityDate: COMPATIBILITY_DATE,
        d1Databases: { DB: "shared" },
        kvNamespaces: { KV: "shared" },
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        bindings: { ENVIRONMENT: "development", SERVER_TIMING: "on", ...keys, ...own },
      })),
    }),
  );
  try {
    await miniflare.ready;
    const [first = ""] = names;
    const db = (await miniflare.getD1Database("DB", first)) as unknown as D1Database;
    for (const { queries } of await readD1Migrations(`${ROOT}migrations`)) {
      await db.batch(queries.map((query) => db.prepare(query)));
    }
    const urls = await Promise.all(names.map((name) => miniflare.unsafeGetDirectURL(name)));
    const worker = await miniflare.getWorker(first);
    await work({
      urls,
      db,
      async runCron(cron) {
        await worker.scheduled({ cron });
      },
    });
  } finally {
    await miniflare.dispose();
  }
}

function handleRuntimeStdio(stdout: Readable, stderr: Readable): void {
  stdout.resume();
  stderr.resume();
}
