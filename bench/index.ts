// npm run bench: what each operation costs, over real HTTP against workerd on this machine. Times say little by themselves
// on a busy machine: compare them as ratios within one run. Round trips, rows and KV operations are exact.
import { readFileSync } from "node:fs";
import { createTestHarness, unstable_splitSqlQuery as splitSql } from "wrangler";
import { newKeySettings } from "../scripts/lib/new-keys.ts";

const USERS = 1000;
const PASSWORD = "SecurePass123!";
const OFF = "0";

interface Scenario {
  name: string;
  requests: number;
  concurrency: number;
  run(index: number): Promise<Response>;
}

const server = createTestHarness({
  workers: [
    {
      configPath: new URL("../wrangler.toml", import.meta.url),
      vars: {
        ENVIRONMENT: "development",
        SERVER_TIMING: "on",
        MAIL_TRANSPORT: "off",
        RATE_LIMIT_AUTH: OFF,
        RATE_LIMIT_REFRESH: OFF,
        RATE_LIMIT_READ: OFF,
        RATE_LIMIT_WRITE: OFF,
      },
      secrets: await newKeySettings("dev-"),
    },
  ],
});
const { url } = await server.listen();
await migrate();

const json = { "Content-Type": "application/json" };
const post = (path: string, body: unknown, headers = {}) =>
  fetch(new URL(path, url), {
    method: "POST",
    headers: { ...json, ...headers },
    body: JSON.stringify(body),
  });
const logIn = async (username: string) => {
  const response = await post("/v1/auth/login", { username, password: PASSWORD });
  return (await response.json()) as { access_token: string; refresh_token: string };
};

await post("/v1/auth/register", account("boss"));
await post("/v1/auth/register", account("ada"));
await fill();
const boss = { Authorization: `Bearer ${(await logIn("boss")).access_token}` };
const ada = { Authorization: `Bearer ${(await logIn("ada")).access_token}` };
const chains = await Promise.all(Array.from({ length: 4 }, () => logIn("ada")));

const get = (path: string, headers = {}) => fetch(new URL(path, url), { headers });
const patch = (index: number) =>
  fetch(new URL("/v1/users/me", url), {
    method: "PATCH",
    headers: { ...json, ...ada },
    body: JSON.stringify({ first_name: `Ada ${index}` }),
  });

const scenarios: Scenario[] = [
  { name: "GET /health", requests: 2000, concurrency: 16, run: () => get("/health") },
  {
    name: "GET /v1/users/me",
    requests: 1000,
    concurrency: 16,
    run: () => get("/v1/users/me", ada),
  },
  { name: "GET /v1/auth/me", requests: 1000, concurrency: 16, run: () => get("/v1/auth/me", ada) },
  {
    name: "GET /v1/users?limit=100",
    requests: 300,
    concurrency: 8,
    run: () => get("/v1/users?limit=100", boss),
  },
  { name: "PATCH /v1/users/me", requests: 300, concurrency: 1, run: patch },
  { name: "POST /v1/auth/refresh", requests: 300, concurrency: 4, run: refresh },
  {
    name: "POST /v1/auth/login",
    requests: 40,
    concurrency: 2,
    run: () => post("/v1/auth/login", { username: "ada", password: PASSWORD }),
  },
  {
    name: "POST /v1/auth/register",
    requests: 40,
    concurrency: 2,
    run: (index) => post("/v1/auth/register", account(`new${index}`)),
  },
];

console.log(
  "operation                   req/s   p50 ms   p95 ms  d1 trips  rows read  rows written  kv",
);
for (const scenario of scenarios) console.log(await measure(scenario));
await server.close();

async function measure({ name, requests, concurrency, run }: Scenario): Promise<string> {
  const durations: number[] = [];
  let cost = "";
  let next = 0;
  const start = performance.now();
  const work = async () => {
    while (next < requests) {
      const index = next++;
      const begun = performance.now();
      const response = await run(index);
      await response.arrayBuffer();
      if (response.status >= 400) throw new Error(`${name} answered ${response.status}`);
      durations.push(performance.now() - begun);
      cost = response.headers.get("Server-Timing") ?? "";
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  const perSecond = requests / ((performance.now() - start) / 1000);
  durations.sort((a, b) => a - b);
  const at = (share: number) => (durations[Math.floor(durations.length * share)] ?? 0).toFixed(1);
  const figure = (field: string) => new RegExp(`${field}=(\\d+)`).exec(cost)?.[1] ?? "-";
  const kv = Number(figure("reads")) + Number(figure("writes"));
  return [
    name.padEnd(25),
    perSecond.toFixed(0).padStart(7),
    at(0.5).padStart(8),
    at(0.95).padStart(8),
    figure("queries").padStart(9),
    figure("rows_read").padStart(10),
    figure("rows_written").padStart(13),
    String(kv).padStart(3),
  ].join(" ");
}

function account(username: string) {
  return { username, email: `${username}@example.com`, password: PASSWORD };
}

async function refresh(index: number): Promise<Response> {
  const chain = chains[index % chains.length];
  if (!chain) throw new Error("no session");
  const response = await post("/v1/auth/refresh", { refresh_token: chain.refresh_token });
  const copy = response.clone();
  if (response.ok) Object.assign(chain, await copy.json());
  return response;
}

async function database(): Promise<D1Database> {
  const { DB } = await server.getWorker<{ DB: D1Database }>().getEnv();
  return DB;
}

async function migrate(): Promise<void> {
  const db = await database();
  const folder = new URL("../migrations/", import.meta.url);
  const journal = JSON.parse(readFileSync(new URL("meta/_journal.json", folder), "utf8")) as {
    entries: { tag: string }[];
  };
  for (const { tag } of journal.entries) {
    const statements = splitSql(readFileSync(new URL(`${tag}.sql`, folder), "utf8"));
    for (const statement of statements) await db.prepare(statement).run();
  }
}

/** Makes the first user an administrator, and enough others for a list to be one. */
async function fill(): Promise<void> {
  const db = await database();
  await db.prepare("UPDATE users SET role = 'admin' WHERE username = 'boss'").run();
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
