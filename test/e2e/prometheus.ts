// npm run test:prometheus: Prometheus scrapes one of three isolates while a client sends mixed traffic to all of them. Fails unless
// Prometheus ends up with what the client has counted, and promtool accepts the metrics. Takes 100 seconds.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { addCost, type Cost, costOf, NO_COST } from "./cost.ts";
import { type Isolates, withIsolates } from "./isolates.ts";
import { type Sample, type Scraper, withPrometheus } from "./scraper.ts";
import { ROOT } from "./server.ts";
import { openWebhook } from "./webhook.ts";

const TRAFFIC_MS = 60_000;
/** Isolates add their counts to D1 within 30 seconds, and a scrape follows within 5. */
const SETTLING_MS = 40_000;
/** An isolate writes the counts of the two seconds after a write once it gets another request. */
const NUDGES = 2;
const POLL_MS = 2000;
const SCRAPE_MS = 6000;
const FIVE_MINUTES = "*/5 * * * *";
const MINUTELY = "* * * * *";
const OPERATIONS = `${ROOT}docs/run`;
const PASSWORD = "a fine secret for metrics";
const webhook = await openWebhook();
const SETTINGS = {
  ...webhook.settings,
  MAIL_TRANSPORT: "off",
  PASSWORD_ITERATIONS: "1000",
  SESSION_LIMIT: "1000",
  RATE_LIMIT_AUTH: "0",
  RATE_LIMIT_READ: "0",
  RATE_LIMIT_WRITE: "0",
};
/** The third isolate refuses most refreshes. */
const ISOLATES = [SETTINGS, SETTINGS, { ...SETTINGS, RATE_LIMIT_REFRESH: "3/3600" }];

interface Call {
  route: string;
  path?: string;
  method?: string;
  body?: unknown;
  token?: string;
}

/** What the client has counted: requests by route, method and status, and what they cost. */
const requests = new Map<string, number>();
const logins = new Map<string, number>();
let limited = 0;
let spent: Cost = NO_COST;

await withIsolates(ISOLATES, async (isolates) => {
  const [first] = isolates.urls;
  assert.ok(first);
  const { admin, user, apiKey } = await createAccounts(isolates);
  await withPrometheus({ url: first, apiKey }, async (scraper) => {
    checkRules();
    const started = Date.now();
    await isolates.runCron(FIVE_MINUTES);
    await Promise.all(isolates.urls.map((url) => sendTraffic(url, { admin, user }, started)));
    await waitUntilEqual(scraper, isolates.urls);
    for (const cron of [FIVE_MINUTES, MINUTELY]) await isolates.runCron(cron);
    checkAlerts();
    await setTimeout(SCRAPE_MS);
    await checkDashboard(scraper);
    await checkPopulation(scraper, isolates.db);
    await checkWrites(isolates.db, Date.now() - started);
    await checkFormat(scraper);
  });
}).finally(webhook.close);

async function createAccounts({ urls, db }: Isolates) {
  const [url] = urls;
  assert.ok(url);
  const register = async (username: string) => {
    const body = { username, email: `${username}@example.com`, password: PASSWORD };
    await send(url, { route: "/v1/auth/register", body });
  };
  await register("admin-of-metrics");
  await db.prepare("UPDATE users SET role = 'admin'").run();
  await register("user-of-metrics");
  const admin = await logIn(url, "admin-of-metrics");
  const user = await logIn(url, "user-of-metrics");
  const body = { name: "Prometheus", scopes: ["metrics:read"] };
  const { key } = await send(url, { route: "/v1/api-keys", body, token: admin });
  return { admin, user, apiKey: key ?? "" };
}

async function logIn(url: URL, username: string): Promise<string> {
  const body = { username, password: PASSWORD };
  const { access_token = "" } = await send(url, { route: "/v1/auth/login", body });
  return access_token;
}

/** Sends requests of all kinds to one isolate, one after another, until the time is over. */
async function sendTraffic(
  url: URL,
  { admin, user }: { admin: string; user: string },
  started: number,
): Promise<void> {
  const calls: Call[] = [
    { route: "/health" },
    { route: "/ready" },
    { route: "/v1/users/:id", path: "/v1/users/me", token: user },
    { route: "/v1/users/:id", path: "/v1/users/me" },
    { route: "/v1/users/:id", path: `/v1/users/${crypto.randomUUID()}`, token: admin },
    { route: "/v1/users", token: admin },
    { route: "/v1/users", token: user },
    {
      route: "/v1/users/:id",
      path: "/v1/users/me",
      method: "PATCH",
      body: { role: 1 },
      token: user,
    },
    { route: "/v1/auth/login", body: { username: "user-of-metrics", password: PASSWORD } },
    { route: "/v1/auth/login", body: { username: `no-${crypto.randomUUID()}`, password: "wrong" } },
    { route: "/v1/auth/refresh", body: { refresh_token: "none" } },
    { route: "/v1/auth/introspect", body: { token: user }, token: admin },
    { route: "unknown", path: `/v1/${crypto.randomUUID()}` },
  ];
  for (let i = 0; Date.now() - started < TRAFFIC_MS; i += 1) {
    await send(url, calls[i % calls.length] as Call);
    await setTimeout(20);
  }
}

async function send(url: URL, call: Call): Promise<Record<string, string>> {
  const { route, path = route, body, token } = call;
  const method = call.method ?? (body === undefined ? "GET" : "POST");
  const response = await fetch(new URL(path, url), {
    method,
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { status } = response;
  const answer = JSON.parse(text || "{}");
  add(requests, `${route} ${method} ${status}`);
  if (route === "/v1/auth/login") add(logins, status === 200 ? "success" : answer.code);
  if (answer.code === "rate_limited") limited += 1;
  spent = addCost(spent, costOf(response.headers.get("Server-Timing")));
  return answer;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

async function waitUntilEqual(scraper: Scraper, urls: readonly URL[]): Promise<void> {
  let deadline = Date.now() + SETTLING_MS;
  for (let nudges = 0; ; ) {
    try {
      await compare(scraper);
      break;
    } catch (error) {
      if (Date.now() > deadline && nudges === NUDGES) throw error;
    }
    if (Date.now() > deadline) {
      for (const url of urls) await send(url, { route: "/health" });
      deadline = Date.now() + SETTLING_MS;
      nudges += 1;
    }
    await setTimeout(POLL_MS);
  }
  const total = [...requests.values()].reduce((sum, count) => sum + count, 0);
  console.log(`Prometheus has what the client counted, of ${total} requests to 3 isolates:`);
  for (const [key, count] of [...requests].toSorted()) console.log(`  ${key}: ${count}`);
  for (const [result, count] of logins) console.log(`  logins, ${result}: ${count}`);
  console.log(`  rate-limited: ${limited}`);
  console.log(`  cost without the scrapes: ${JSON.stringify(spent)}`);
}

// All queries are for the same moment, and so for the same scrape, which includes the cost of those before it.
async function compare({ query, costs }: Scraper): Promise<void> {
  const now = Date.now() / 1000;
  const read = async (name: string, ...labels: string[]) => {
    const samples = await query(name, now);
    const entries = samples.map((sample): [string, number] => [
      toKey(sample, labels),
      sample.value,
    ]);
    return Object.fromEntries(entries.filter(([, value]) => value !== 0).toSorted());
  };
  const counted = await read("roster_http_requests_total", "route", "method", "status");
  const { "/metrics GET 200": scrapes = 0, ...others } = counted;
  assert.deepEqual(others, Object.fromEntries([...requests].toSorted()));
  const results = await read("roster_logins_total", "result");
  assert.deepEqual(results, Object.fromEntries([...logins].toSorted()));
  assert.deepEqual(await read("roster_rate_limited_total", "policy"), { refresh: limited });
  const durations = await read("sum(roster_http_request_duration_seconds_count)");
  const total = Object.values(counted).reduce((sum, count) => sum + count, 0);
  assert.deepEqual(Object.values(durations), [total]);
  const all = costs.slice(0, scrapes).reduce(addCost, spent);
  assert.deepEqual(
    {
      ...(await read("roster_d1_round_trips_total", "__name__")),
      ...(await read("roster_d1_rows_read_total", "__name__")),
      ...(await read("roster_d1_rows_written_total", "__name__")),
      ...(await read("roster_kv_operations_total", "operation")),
    },
    {
      roster_d1_round_trips_total: all.trips,
      roster_d1_rows_read_total: all.rowsRead,
      roster_d1_rows_written_total: all.rowsWritten,
      read: all.kvReads,
      write: all.kvWrites,
    },
  );
}

function toKey({ labels }: Sample, names: readonly string[]): string {
  return names.map((name) => labels[name] ?? "").join(" ");
}

async function checkPopulation({ query }: Scraper, db: D1Database): Promise<void> {
  const now = Date.now() / 1000;
  const live = "SELECT count(*) AS count FROM sessions WHERE revoked_at IS NULL";
  const [sessions] = (await db.prepare(live).all<{ count: number }>()).results;
  const measured = await query("roster_sessions_live", now);
  assert.equal(measured[0]?.value, sessions?.count);
  const users = await query("sum by (role) (roster_users)", now);
  assert.deepEqual(
    users.map(({ value }) => value),
    [1, 1],
  );
  const jobs = await query("roster_job_last_success_timestamp_seconds > 0", now);
  assert.deepEqual(jobs.map(({ labels }) => labels.job_name).sort(), [
    "deliver_alert_notices",
    "deliver_mail",
    "evaluate_alerts",
    "measure_population",
  ]);
  console.log(`${sessions?.count} live sessions and 2 users, as in D1.`);
}

async function checkWrites(db: D1Database, elapsedMs: number): Promise<void> {
  const read = db.prepare("SELECT sequence FROM metric_writers ORDER BY sequence");
  const writes = (await read.all<{ sequence: number }>()).results.map(({ sequence }) => sequence);
  assert.equal(writes.length, ISOLATES.length);
  const limit = Math.ceil(elapsedMs / 30_000) + 1;
  for (const count of writes) assert.ok(count <= limit, `${count} writes`);
  console.log(
    `${writes.join(", ")} writes by the isolates in ${Math.round(elapsedMs / 1000)} seconds.`,
  );
}

async function checkFormat({ target }: Scraper): Promise<void> {
  const input = await (await fetch(`http://${target}/metrics`)).text();
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input,
    encoding: "utf8",
  });
  assert.equal(`${stdout}${stderr}`, "");
  assert.equal(status, 0);
  console.log("promtool check metrics: no complaint.");
}

// The traffic has many logins that fail, and no request with a status of 500 or above.
function checkAlerts(): void {
  assert.deepEqual(webhook.received(), ["login_failures alert.firing"]);
  console.log("The webhook has got one notice, correctly signed: login_failures fires.");
}

function checkRules(): void {
  for (const args of [
    ["check", "rules", `${OPERATIONS}/prometheus-rules.yml`],
    ["test", "rules", `${OPERATIONS}/prometheus-rules.test.yml`],
  ]) {
    const { status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
    assert.equal(status, 0, `${stdout}${stderr}`);
  }
  console.log("promtool check rules and promtool test rules: success.");
}

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
}

// Some panels are about what has not happened here: email that was delivered, errors, failures of jobs.
async function checkDashboard({ query }: Scraper): Promise<void> {
  const text = readFileSync(`${OPERATIONS}/grafana-dashboard.json`, "utf8");
  const { panels } = JSON.parse(text) as Dashboard;
  const empty: string[] = [];
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const samples = await query(expr.replaceAll("$__rate_interval", "1m"), Date.now() / 1000);
      if (samples.length === 0) empty.push(title);
    }
  }
  assert.deepEqual(empty, ["Error rate", "Error rate", "Errors by route"]);
  console.log(`The queries of ${panels.length} panels have results, except those about errors.`);
}
