import { readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { newKeySettings } from "../scripts/lib/new-keys.ts";
import { findCaller } from "../src/access/callers.ts";
import { db as statements } from "../src/db/client.ts";
import { prepareStatement } from "../src/db/statement.ts";
import { bundle } from "./bundle.ts";
import { closeConnections, createClient, type Send } from "./client.ts";
import { findChild } from "./cpu.ts";
import { fillUsers } from "./fill.ts";

const OFF = "0";
const COMPATIBILITY_DATE = "2026-09-15";

export interface BenchServer {
  /** The process that runs the API, the floors, their D1 and their KV. */
  pid: number;
  apiUrl: URL;
  floorUrl: URL;
  /** The API on the same database, where nobody may send more than one request per hour. */
  limitedUrl: URL;
  /** The API on the same database, whose responses say what they cost (`SERVER_TIMING`, which production refuses). */
  timedUrl: URL;
  /** The API on the same database, which logs no successes (`LOG_SAMPLE_RATE`). */
  quietUrl: URL;
  api: Send;
  db: D1Database;
  gzipBytes: number;
  close(): Promise<void>;
}

interface ServerOptions {
  /** The number of users in the database. */
  users: number;
  /** Settings of the API besides those of every benchmark. */
  settings?: Readonly<Record<string, string>>;
  /** Where the V8 inspector listens, for profiles. */
  inspectorPort?: number | undefined;
}

/**
 * Starts the API and the floors in one workerd process, on one database. Each worker has a socket of its own, so that no proxy
 * takes part.
 */
export async function startServer({
  users,
  settings = {},
  inspectorPort,
}: ServerOptions): Promise<BenchServer> {
  const [api, floor] = await Promise.all([
    bundle(new URL("../wrangler.toml", import.meta.url)),
    bundle(new URL("floor.toml", import.meta.url)),
  ]);
  const bindings = {
    ENVIRONMENT: "development",
    MAIL_TRANSPORT: "off",
    ACCESS_TOKEN_TTL_SECONDS: "3600",
    // People of the benchmark log in often.
    SESSION_LIMIT: "1000",
    RATE_LIMIT_AUTH: OFF,
    RATE_LIMIT_REFRESH: OFF,
    RATE_LIMIT_READ: OFF,
    RATE_LIMIT_WRITE: OFF,
    ...(await newKeySettings("dev-")),
    ...settings,
  };
  const toWorker = (name: string, script: string) => ({
    name,
    modules: true,
    script,
    compatibilityDate: COMPATIBILITY_DATE,
    d1Databases: { DB: "bench" },
    kvNamespaces: { KV: "bench" },
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      ...(inspectorPort !== undefined && { inspectorPort }),
      // A line per request costs what it costs in production, but is not shown.
      handleStructuredLogs() {},
      workers: [
        { ...toWorker("api", api.script), bindings },
        {
          ...toWorker("limited", api.script),
          bindings: { ...bindings, RATE_LIMIT_READ: "1/3600", SERVER_TIMING: "on" },
        },
        { ...toWorker("timed", api.script), bindings: { ...bindings, SERVER_TIMING: "on" } },
        { ...toWorker("quiet", api.script), bindings: { ...bindings, LOG_SAMPLE_RATE: "0" } },
        { ...toWorker("floor", floor.script), bindings: { CALLER_SQL: readCallerSql() } },
      ],
    }),
  );
  await miniflare.ready;
  const db = (await miniflare.getD1Database("DB", "api")) as unknown as D1Database;
  await migrate(db);
  await fillUsers(db, users);
  const apiUrl = await miniflare.unsafeGetDirectURL("api");
  const floorUrl = await miniflare.unsafeGetDirectURL("floor");
  return {
    pid: findChild("workerd"),
    apiUrl,
    floorUrl,
    limitedUrl: await miniflare.unsafeGetDirectURL("limited"),
    timedUrl: await miniflare.unsafeGetDirectURL("timed"),
    quietUrl: await miniflare.unsafeGetDirectURL("quiet"),
    api: createClient(apiUrl),
    db,
    gzipBytes: api.gzipBytes,
    async close() {
      closeConnections();
      await miniflare.dispose();
    },
  };
}

function readCallerSql(): string {
  const credential = { type: "session", sessionId: "", userId: "" } as const;
  return prepareStatement(findCaller(statements, credential)).sql;
}

async function migrate(db: D1Database): Promise<void> {
  const migrations = await readD1Migrations(new URL("../migrations", import.meta.url).pathname);
  for (const { queries } of migrations) {
    await db.batch(queries.map((query) => db.prepare(query)));
  }
}
