// npm run test:restore: restores a local database with `npm run backup` between runs of a worker, and checks over HTTP that nothing
// comes back to life. Prints one line per step and stops at the first failure.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { literals, makeChanges } from "../../scripts/lib/database.ts";
import { firstIdAt } from "../../src/lib/ids.ts";
import { DAY } from "../../src/lib/time.ts";
import { type Client, createClient } from "./client.ts";
import { type DevServer, ROOT, withDevServerAt } from "./server.ts";

const HOURLY = "/cdn-cgi/handler/scheduled?cron=17+*+*+*+*";

const folder = mkdtempSync(join(tmpdir(), "roster-restore-"));
const state = join(folder, "state");
const saved = join(folder, "lost-events.ndjson");

try {
  const before = await withWorker(setUp);
  const [, bookmark = "", since = ""] =
    /^Bookmark (local-\d+) of (\S+)\./.exec(await backup("bookmark")) ?? [];
  const seals = await withWorker(async (client, server) => {
    await end(client, before);
    return sealLateEvent(client, server);
  });
  const flags = ["--bookmark", bookmark, "--since", since, "--save", saved];
  const output = await backup("restore", ...flags);
  checkSaved(output, before.erased.id);
  await withWorker(async (client, server) => {
    await checkDead(client, before);
    await checkTrail(client, server, seals);
  });
  assert.match(await backup("finish", saved), /Erased again: 0 users\.\n$/);
  const drill = await backup("drill");
  assert.match(drill, /\nusers: (\d+) of \1 rows\n[\s\S]*The export can be restored\.\n$/);
  assert.match(drill, /^audit_events: [1-9]/m);
  report("drill → an export fills a new database with as many rows");
  await checkExport();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

type Before = Awaited<ReturnType<typeof setUp>>;

async function setUp(client: Client) {
  const [user, erased] = [await client.newUser(), await client.newUser()];
  const { body: key } = await client.post(
    "/v1/api-keys",
    { name: "Old", scopes: ["me:read"] },
    user.token,
  );
  return { user, erased, key: { id: String(key.id), key: String(key.key) } };
}

/** Ends everything after the bookmark. */
async function end(client: Client, { user, erased, key }: Before): Promise<void> {
  assert.equal(await readWithKey(client, key.key), 200);
  const rotated = await client.post(`/v1/api-keys/${key.id}/rotate`, {}, user.token);
  assert.equal(rotated.status, 200);
  assert.equal((await client.post("/v1/auth/logout", undefined, user.token)).status, 204);
  const path = `/v1/users/${erased.id}/erase`;
  assert.equal((await client.post(path, {}, client.admin.token)).status, 204);
}

/** Seals and archives a day with an event from after the bookmark. Returns the seals. */
async function sealLateEvent(client: Client, { url, database }: DevServer): Promise<unknown[]> {
  const time = Date.now() - 2 * DAY;
  const event = literals(firstIdAt(time), "user.updated", "system", "user", "late", time);
  const columns = "id, action, actor_type, target_type, target_id, created_at";
  await makeChanges(database, [`INSERT INTO audit_events (${columns}) VALUES (${event})`]);
  assert.equal((await fetch(url + HOURLY)).status, 200);
  const seals = await listSeals(client);
  assert.ok(seals.length > 0);
  return seals;
}

async function listSeals(client: Client): Promise<unknown[]> {
  const { body } = await client.get("/v1/audit-events/seals?limit=100", client.admin.token);
  return body.data as unknown as unknown[];
}

/** Checks that the trail has everything that it had before the restore, and goes on. */
async function checkTrail(client: Client, server: DevServer, seals: unknown[]): Promise<void> {
  assert.deepEqual(await listSeals(client), seals);
  const headers = { Authorization: `Bearer ${client.admin.token}` };
  const answer = await fetch(`${server.url}/v1/audit-events?format=ndjson`, { headers });
  const trail = await answer.text();
  for (const { id } of readSaved()) assert.ok(trail.includes(id), `the event ${id}`);
  assert.equal((await fetch(server.url + HOURLY)).status, 200);
  assert.doesNotMatch(server.readOutput(), /cron\.job_failed|seal_mismatch/);
  report("restore → the audit trail has all events and seals, and the jobs accept its archive");
}

/** The events that the restore has saved. Other lines are seals. */
function readSaved(): { id: string; action: string; target_id: string }[] {
  const rows = readFileSync(saved, "utf8").trim().split("\n");
  return rows.map((line) => JSON.parse(line)).filter(({ action }) => action !== undefined);
}

function checkSaved(output: string, erasedId: string): void {
  assert.match(output, / Erased again: 1 users\./);
  assert.match(output, /set REVOKED_BEFORE = "\d{4}-.*Z" under \[vars\]/);
  assert.equal((statSync(saved).mode & 0o777).toString(8), "600");
  const erasures = readSaved().filter(({ action }) => action === "user.erased");
  assert.deepEqual(
    erasures.map(({ target_id }) => target_id),
    [erasedId],
  );
  report("restore → the audit events that are lost are in a file, and the erased are erased again");
}

/** Checks that what had ended before the restore is refused, and what begins afterwards works. */
async function checkDead(client: Client, { user, erased, key }: Before): Promise<void> {
  assert.equal((await client.get("/v1/users/me", user.token)).status, 401, "the access token");
  assert.equal((await client.refresh(user.refreshToken)).status, 401, "the refresh token");
  assert.equal(await readWithKey(client, key.key), 401, "the API key");
  const introspected = await client.post(
    "/v1/auth/introspect",
    { token: user.token },
    client.admin.token,
  );
  assert.equal(introspected.body.active, false, "introspection");
  const { username, password } = erased;
  assert.equal((await client.post("/v1/auth/login", { username, password })).status, 401);
  const { token } = await client.logIn(user);
  const rotated = await client.post(`/v1/api-keys/${key.id}/rotate`, {}, token);
  assert.equal(await readWithKey(client, String(rotated.body.key)), 200, "the new secret");
  report("restore → no session, key or erased person comes back, and new logins and secrets work");
}

async function checkExport(): Promise<void> {
  const file = join(folder, "export.sql");
  assert.match(await backup("export", file), /^Exported to /);
  assert.equal((statSync(file).mode & 0o777).toString(8), "600");
  assert.match(readFileSync(file, "utf8"), /\nINSERT INTO "users" \(/);
  assert.match(await backup("export", file), /^error: .* exists/);
  assert.match(await backup("restore", "--timestamp", "yesterday"), /^error: restore needs/);
  report("export → a file that only its owner can read, which is never overwritten");
}

async function readWithKey(client: Client, key: string): Promise<number> {
  return (await client.send("GET", "/v1/users/me", { headers: { "X-API-Key": key } })).status;
}

async function withWorker<T>(work: (client: Client, server: DevServer) => Promise<T>): Promise<T> {
  let result: T | undefined;
  await withDevServerAt(
    { folder: ROOT, state },
    async (server) => {
      result = await work(await createClient(server.url, server.admin), server);
    },
    // Each worker has a port of its own, which would be another issuer.
    { RATE_LIMIT_AUTH: "0", JWT_ISSUER: "roster" },
  );
  return result as T;
}

async function backup(...args: readonly string[]): Promise<string> {
  const flags = ["scripts/backup.ts", ...args, "--persist-to", state];
  const child = spawn(process.execPath, flags, { cwd: ROOT });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  await new Promise((resolve) => child.on("close", resolve));
  return output;
}

function report(text: string): void {
  console.log(`ok  ${text}`);
}
