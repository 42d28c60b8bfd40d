// npm run capacity [-- --people N]: how much room people and their history take in one database, and how long D1 works for each
// operation on it. The API runs in this process, on SQLite, so that nothing but the statements is measured. docs/run/scale.md says what
// follows from the figures.

import { timingSafeEqual } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { readCommandLine, readCount } from "../scripts/lib/command-line.ts";
import { newKeySettings } from "../scripts/lib/new-keys.ts";
import { bundle } from "./bundle.ts";
import { fillHistory, HISTORY, sizeOf, type Templates } from "./history.ts";
import { createD1, createKv, type Stopwatch } from "./node-d1.ts";

const GB = 1e9;
const MAX_DATABASE_BYTES = 10 * GB;
const REPETITIONS = 300;
const PASSWORD = "SecurePass123!";

const USAGE = `Usage:
  npm run capacity [-- --people N]
Fills a database with N people (100000 by default) and a year of their history, and measures bytes per row and D1 time per operation.`;

const { values: options } = readCommandLine(USAGE, {
  options: { people: { type: "string", default: "100000" } },
});
const people = readCount(USAGE, "--people", options.people);

const folder = mkdtempSync(join(tmpdir(), "roster-capacity-"));
try {
  await run();
} finally {
  rmSync(folder, { recursive: true });
}

async function run(): Promise<void> {
  const database = new DatabaseSync(join(folder, "capacity.sqlite"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000");
  await migrate(database);
  const stopwatch = { ms: 0 };
  const api = await createApi(database, stopwatch);
  const sizes = fillHistory(database, await writeTemplates(api, database), people);
  const bytes = sizes.person + HISTORY.sessions * sizes.session + HISTORY.events * sizes.event;
  console.log(
    `${people} people, ${HISTORY.sessions} sessions and ${HISTORY.events} audit events each`,
  );
  console.log(`bytes per person ${sizes.person.toFixed(0)} (with a profile for every second)`);
  console.log(
    `bytes per session ${sizes.session.toFixed(0)}, per audit event ${sizes.event.toFixed(0)}`,
  );
  console.log(
    `bytes per person with history ${bytes.toFixed(0)}, database ${(sizeOf(database) / GB).toFixed(2)} GB`,
  );
  console.log(`people in ${MAX_DATABASE_BYTES / GB} GB: ${Math.floor(MAX_DATABASE_BYTES / bytes)}`);
  // The cache of SQLite is two megabytes unless it is set.
  database.exec(
    "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2000",
  );
  await showTimes(api, stopwatch);
}

type Call = (
  method: string,
  path: string,
  input?: { body?: unknown; token?: string | undefined },
) => Promise<Record<string, string>>;

async function migrate(database: DatabaseSync): Promise<void> {
  const migrations = await readD1Migrations(new URL("../migrations", import.meta.url).pathname);
  for (const { queries } of migrations) for (const query of queries) database.exec(query);
}

/** The API as it is deployed, on a database of this process. */
async function createApi(database: DatabaseSync, stopwatch: Stopwatch): Promise<Call> {
  const { script } = await bundle(new URL("../wrangler.toml", import.meta.url));
  const path = join(folder, "api.mjs");
  writeFileSync(path, script);
  // What workerd has and Node.js does not. Nobody waits here for what the API does later.
  Object.assign(crypto.subtle, { timingSafeEqual });
  Object.assign(globalThis, {
    scheduler: { wait: () => new Promise((resolve) => setTimeout(resolve, 1)) },
  });
  const { default: worker } = await import(path);
  console.info = () => undefined;
  const bindings = {
    ENVIRONMENT: "development",
    MAIL_TRANSPORT: "off",
    PASSWORD_ITERATIONS: "1",
    RATE_LIMIT_AUTH: "0",
    RATE_LIMIT_REFRESH: "0",
    RATE_LIMIT_READ: "0",
    RATE_LIMIT_WRITE: "0",
    ...(await newKeySettings("dev-")),
    DB: createD1(database, stopwatch),
    KV: createKv(),
  };
  return async (method, path, { body, token } = {}) => {
    const headers = {
      "CF-Connecting-IP": "203.0.113.7",
      "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(token && { Authorization: `Bearer ${token}` }),
    };
    const request = new Request(`https://roster.example${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const work: Promise<unknown>[] = [];
    const waiting = { waitUntil: (promise: Promise<unknown>) => work.push(promise) };
    const response = await worker.fetch(request, bindings, waiting);
    const text = await response.text();
    await Promise.all(work);
    if (response.status >= 400) throw new Error(`${method} ${path}: ${text}`);
    return text === "" ? {} : JSON.parse(text);
  };
}

function newAccount(name: string) {
  return {
    username: name,
    email: `${name}@mail.example`,
    password: PASSWORD,
    first_name: "Augusta",
    last_name: "Byron",
  };
}

/** Lets the API write one row of each kind, and returns them. */
async function writeTemplates(api: Call, database: DatabaseSync): Promise<Templates> {
  await api("POST", "/v1/auth/register", { body: newAccount("template") });
  const { access_token: token } = await api("POST", "/v1/auth/login", {
    body: { username: "template", password: PASSWORD },
  });
  const profile = {
    display_name: "Augusta",
    bio: "Writes programs.",
    locale: "en-GB",
    timezone: "Europe/London",
  };
  await api("PATCH", "/v1/users/me/profile", { token, body: profile });
  const read = (statement: string) => {
    const row = database.prepare(statement).get();
    if (!row) throw new Error(`nothing for ${statement}`);
    return row;
  };
  return {
    user: read("SELECT * FROM users"),
    profile: read("SELECT * FROM profiles"),
    session: read("SELECT * FROM sessions"),
    event: read("SELECT * FROM audit_events WHERE action = 'auth.login_succeeded'"),
  };
}

/** The time of the statements of each operation: the median, which a busy machine hardly changes. */
async function showTimes(api: Call, stopwatch: Stopwatch): Promise<void> {
  const times = new Map<string, number[]>();
  const time = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    stopwatch.ms = 0;
    const result = await work();
    times.set(name, [...(times.get(name) ?? []), stopwatch.ms]);
    return result;
  };
  for (let index = 0; index < REPETITIONS; index += 1) {
    const account = newAccount(`measured${index}`);
    const login = { body: { username: account.username, password: PASSWORD } };
    await time("register", () => api("POST", "/v1/auth/register", { body: account }));
    await api("POST", "/v1/auth/login", login);
    const { access_token: token, refresh_token } = await time("login", () =>
      api("POST", "/v1/auth/login", login),
    );
    await time("refresh", () => api("POST", "/v1/auth/refresh", { body: { refresh_token } }));
    await time("get me", () => api("GET", "/v1/users/me", { token }));
    await time("patch me", () =>
      api("PATCH", "/v1/users/me", { token, body: { first_name: `Ada ${index}` } }),
    );
    await time("log out", () => api("POST", "/v1/auth/logout", { token }));
  }
  for (const [name, values] of times) {
    const median = values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
    console.log(
      `D1 time, ${name}: ${median.toFixed(3)} ms, so ${Math.floor(1000 / median)} per second`,
    );
  }
}
