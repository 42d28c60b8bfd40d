// npm run test:upgrade: runs the worker of the previous release on a database with this release's migrations, as it happens during a
// deploy, then this release's worker on what the old one wrote, then the old one again, as after a rollback. Prints one line per
// step and stops at the first failure.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareDevSettings } from "../../scripts/lib/dev-settings.ts";
import { main } from "../../scripts/lib/fail.ts";
import { applyMigrations } from "../../scripts/lib/migrations.ts";
import { readPreviousRelease, withPastProject } from "../../scripts/lib/past-release.ts";
import { type Client, type Credentials, createClient } from "./client.ts";
import { type DevServer, ROOT, withDevServerAt } from "./server.ts";

const HOURLY = "/cdn-cgi/handler/scheduled?cron=17+*+*+*+*";

/** What one release leaves to the other. */
interface Left {
  user: Credentials;
  key: string;
}

await main(async () => {
  const { version, commit } = readPreviousRelease();
  await checkMissingHistory();
  const state = mkdtempSync(join(tmpdir(), "roster-upgrade-"));
  try {
    await withPastProject(commit, async (past) => {
      await prepareDevSettings(join(ROOT, ".dev.vars"));
      copyFileSync(join(ROOT, ".dev.vars"), join(past, ".dev.vars"));
      await applyMigrations(["--local", "--persist-to", state]);
      const old = await withWorker({ folder: past, state }, useWorker);
      report(`${version} on the new schema → accounts, lists, audit trail, keys and sessions work`);
      const left = await withWorker({ folder: ROOT, state }, async (client, server) => {
        await goOn(client, old);
        return useWorker(client, server);
      });
      report(`this release → goes on with what ${version} wrote, and runs its jobs on it`);
      await withWorker({ folder: past, state }, (client) => goOn(client, left));
      report(`${version} after a rollback → goes on with what this release wrote`);
    });
  } finally {
    rmSync(state, { recursive: true, force: true });
  }
});

async function checkMissingHistory(): Promise<void> {
  const unknown = "0".repeat(40);
  const fails = withPastProject(unknown, async () => assert.fail("it was extracted"));
  await assert.rejects(
    fails,
    /does not have 0{40}\. Fetch the whole history.*git fetch --unshallow/,
  );
  report("a checkout without the history → the command that fetches it");
}

/** Uses what every release has, and leaves a user with a live session and an API key. */
async function useWorker(client: Client, server: DevServer): Promise<Left> {
  const [user, other] = [await client.newUser(), await client.newUser()];
  const patched = await client.patch(`/v1/users/${user.id}`, { first_name: "Ada" }, user.token);
  assert.deepEqual([patched.status, patched.body.first_name], [200, "Ada"]);
  await checkProfileAndRoles(client, user);
  const refreshed = await client.refresh(user.refreshToken);
  assert.equal(refreshed.status, 200);
  const token = String(refreshed.body.access_token);
  const key = await client.post("/v1/api-keys", { name: "Kept", scopes: ["me:read"] }, token);
  assert.equal(key.status, 201);
  assert.equal(await readWithKey(client, String(key.body.key)), 200);
  assert.ok((await client.listUsers()).some(({ email }) => email === user.email));
  await checkTrail(client, user);
  assert.equal((await client.post("/v1/auth/logout", undefined, other.token)).status, 204);
  assert.equal((await client.get("/v1/users/me", other.token)).status, 401);
  const { token: last } = await client.logIn(other);
  assert.equal((await client.delete(`/v1/users/${other.id}`, last)).status, 204);
  await runJobs(server);
  const left = { ...user, token, refreshToken: String(refreshed.body.refresh_token) };
  return { user: left, key: String(key.body.key) };
}

async function checkProfileAndRoles(client: Client, user: Credentials): Promise<void> {
  const path = `/v1/users/${user.id}/profile`;
  const profile = await client.patch(path, { bio: "Hello" }, user.token);
  assert.deepEqual([profile.status, profile.body.bio], [200, "Hello"]);
  const roles = await client.get("/v1/roles", client.admin.token);
  assert.equal(roles.status, 200);
}

async function checkTrail(client: Client, { id }: Credentials): Promise<void> {
  const trail = await client.get(`/v1/audit-events?target_id=${id}&limit=100`, client.admin.token);
  assert.equal(trail.status, 200);
  const events = trail.body.data as unknown as { action: string }[];
  for (const action of ["user.created", "user.updated"]) {
    assert.ok(JSON.stringify(events).includes(action), `the trail of a user lacks ${action}`);
  }
}

/** Goes on with what the other release left: its session, its API key, its password and its audit events. */
async function goOn(client: Client, { user, key }: Left): Promise<void> {
  assert.equal((await client.get("/v1/users/me", user.token)).status, 200, "the access token");
  assert.equal(await readWithKey(client, key), 200, "the API key");
  const refreshed = await client.refresh(user.refreshToken);
  assert.equal(refreshed.status, 200, "the refresh token");
  const { token } = await client.logIn(user);
  const sessions = await client.get("/v1/auth/sessions", token);
  assert.equal((sessions.body.data as unknown as unknown[]).length >= 2, true, "the sessions");
  const renamed = await client.patch(`/v1/users/${user.id}`, { last_name: "Byron" }, token);
  assert.deepEqual([renamed.body.first_name, renamed.body.last_name], ["Ada", "Byron"]);
  const exported = await client.get(`/v1/users/${user.id}/export`, token);
  assert.equal(exported.status, 200, "the export");
  assert.ok(
    (await client.listUsers()).some(({ email }) => email === user.email),
    "the list",
  );
}

async function runJobs({ url, readOutput }: DevServer): Promise<void> {
  assert.equal((await fetch(url + HOURLY)).status, 200);
  assert.doesNotMatch(readOutput(), /cron\.job_failed/);
}

async function readWithKey(client: Client, key: string): Promise<number> {
  return (await client.send("GET", "/v1/users/me", { headers: { "X-API-Key": key } })).status;
}

async function withWorker<T>(
  place: { folder: string; state: string },
  work: (client: Client, server: DevServer) => Promise<T>,
): Promise<T> {
  let result: T | undefined;
  await withDevServerAt(
    place,
    async (server) => {
      result = await work(await createClient(server.url, server.admin), server);
      assert.doesNotMatch(server.readOutput(), /"status":5\d\d/, "a response with a status of 5xx");
    },
    // Each worker has a port of its own, which would be another issuer.
    { RATE_LIMIT_AUTH: "0", JWT_ISSUER: "roster" },
  );
  return result as T;
}

function report(text: string): void {
  console.log(`ok  ${text}`);
}
