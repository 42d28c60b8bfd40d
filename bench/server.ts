import { createTestHarness } from "wrangler";
import { newKeySettings } from "../scripts/lib/new-keys.ts";
import { closeConnections, createClient, type Send } from "./client.ts";
import { findChild } from "./cpu.ts";

const USERS = 1000;
const OFF = "0";

/** The host of the floor worker's route in floor.toml. */
const FLOOR_HOST = "floor.example";

/** The id of a user that exists in both databases. */
export const SEEDED_USER_ID = "00000000-0000-7000-8000-000000000000";

export interface BenchServer {
  /** The process that runs both workers, their D1 and their KV. */
  pid: number;
  api: Send;
  floor: Send;
  /** Makes a user an administrator. */
  promote(username: string): Promise<void>;
  close(): Promise<void>;
}

/** Starts the API and the floor worker in one workerd process, each with a database of 1000 users. */
export async function startServer(): Promise<BenchServer> {
  configureRuntime();
  const server = createTestHarness({
    workers: [
      {
        configPath: new URL("../wrangler.toml", import.meta.url),
        vars: {
          ENVIRONMENT: "development",
          SERVER_TIMING: "on",
          MAIL_TRANSPORT: "off",
          ACCESS_TOKEN_TTL_SECONDS: "3600",
          RATE_LIMIT_AUTH: OFF,
          RATE_LIMIT_REFRESH: OFF,
          RATE_LIMIT_READ: OFF,
          RATE_LIMIT_WRITE: OFF,
        },
        secrets: await newKeySettings("dev-"),
      },
      { configPath: new URL("floor.toml", import.meta.url) },
    ],
  });
  const { url } = await server.listen();
  const prepare = async (name?: string) => {
    const worker = server.getWorker<{ DB: D1Database }>(name);
    await worker.applyD1Migrations("DB");
    const { DB } = await worker.getEnv();
    await fill(DB);
    return DB;
  };
  const db = await prepare();
  await prepare("floor");
  return {
    // The harness starts a second workerd process as a proxy, which has no database.
    pid: findChild("workerd", "D1DatabaseObject"),
    api: createClient(url),
    floor: createClient(url, FLOOR_HOST),
    async promote(username) {
      const update = db.prepare("UPDATE users SET role = 'admin' WHERE username = ?");
      await update.bind(username).run();
    },
    async close() {
      closeConnections();
      await server.close();
    },
  };
}

// Disables what the harness adds to a worker and production does not have: fetching request.cf from the network, and the
// trace collector and explorer of local development, which use more CPU time than a small request.
function configureRuntime(): void {
  Object.assign(process.env, {
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    X_LOCAL_OBSERVABILITY: "false",
    X_LOCAL_EXPLORER: "false",
  });
}

async function fill(db: D1Database): Promise<void> {
  const numbers = JSON.stringify(Array.from({ length: USERS }, (_, index) => index));
  await db
    .prepare(
      `INSERT INTO users (id, username, username_key, email, email_key, password_hash, role, created_at, updated_at)
       SELECT printf('00000000-0000-7000-8000-%012d', value), 'user' || value, 'user' || value, 'user' || value || '@example.com',
         'user' || value || '@example.com', '', 'user', value, value FROM json_each(?)`,
    )
    .bind(numbers)
    .run();
}
