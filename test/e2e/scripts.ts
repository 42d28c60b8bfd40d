// npm run test:scripts: runs the commands of `npm run admin` and `npm run keys` against a new worker and its database, and checks
// that no process ever has a secret among its arguments. Prints one line per step and stops at the first failure.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeChanges, readRows } from "../../scripts/lib/database.ts";
import { readVars } from "../../scripts/lib/dev-vars.ts";
import { withPrivateFile } from "../../scripts/lib/private-file.ts";
import { toSecretsFile } from "../../scripts/lib/target.ts";
import { type Client, createClient } from "./client.ts";
import { type DevServer, ROOT, withDevServer } from "./server.ts";

const WATCH_MS = 5;
const HASH = /pbkdf2/;
const PASSWORD = "a fine secret for scripts";
const ATTEMPT_LIMIT = 3;

/** What no process may have among its arguments. */
const secrets: RegExp[] = [HASH, new RegExp(PASSWORD)];

await withDevServer(
  async (server) => {
    const client = await createClient(server.url, server.admin);
    await checkCreate(client, server);
    await checkPromote(client, server);
    await checkUnlock(client, server);
    await checkReset(client, server);
    await checkResetFactors(client, server);
    await checkRebuildSearch(client, server);
  },
  { RATE_LIMIT_AUTH: "0", LOGIN_ATTEMPT_LIMIT: String(ATTEMPT_LIMIT) },
);
await checkKeys();
checkSecretFiles();
await checkCleanUp();

async function checkCreate(client: Client, server: DevServer): Promise<void> {
  const names = ["--email", "grace@example.com", "--username", "grace"];
  const created = await admin(server, ["create", ...names, "--password-stdin"], PASSWORD);
  assert.match(created.output, /^Administrator grace created/);
  const [row] = await rowsOf(server, "SELECT data_key FROM users WHERE username = 'grace'");
  assert.match(String(row?.data_key), /^dev-[\w-]+\./, "a data key under the worker's DATA_KEYS");
  await client.logIn({ username: "grace", password: PASSWORD });
  const again = await admin(server, ["create", ...names, "--password-stdin"], PASSWORD);
  assert.equal(again.code, 1);
  assert.match(again.output, /^error: The user grace already has this username or email/);
  const weak = ["create", "--email", "w@example.com", "--username", "weak", "--password-stdin"];
  assert.match((await admin(server, weak, "password")).output, /^error: .*common password/);
  report("create → the administrator has a data key and logs in; a second one is refused");
}

async function checkPromote(client: Client, server: DevServer): Promise<void> {
  const squatter = await client.newUser();
  const refused = await admin(server, ["promote", squatter.email]);
  assert.equal(refused.code, 1);
  assert.match(refused.output, /is not verified: someone else may have registered this account/);
  assert.equal((await client.get("/v1/users", squatter.token)).status, 403);
  const promoted = await admin(server, ["promote", squatter.username, "--unverified"]);
  assert.match(promoted.output, /is now an administrator and must log in again/);
  assert.equal((await client.get("/v1/users/me", squatter.token)).status, 401);
  const stale = { username: squatter.username, password: squatter.password };
  assert.equal((await client.post("/v1/auth/login", stale)).status, 401);
  const [, password = ""] = /Password \(shown only once\): (\S+)\n$/.exec(promoted.output) ?? [];
  const { token } = await client.logIn({ ...squatter, password });
  assert.equal((await client.get("/v1/users", token)).status, 200);
  assert.deepEqual(await actionsOn(server, squatter.id, "user.role_changed"), [
    '{"role":{"from":"user","to":"admin"}}',
  ]);
  const again = await admin(server, ["promote", squatter.username]);
  assert.match(again.output, /is already an administrator/);
  const nobody = await admin(server, ["promote", "nobody'; DROP TABLE users; --"]);
  assert.match(nobody.output, /^error: There is no user nobody'; DROP/);
  report(
    "promote → an unverified account is refused without --unverified, and only a new password works",
  );
}

async function checkUnlock(client: Client, server: DevServer): Promise<void> {
  const user = await client.newUser();
  const { username } = user;
  const wrong = { username, password: "a wrong guess" };
  for (let i = 0; i < ATTEMPT_LIMIT; i += 1) await client.post("/v1/auth/login", wrong);
  const locked = await client.post("/v1/auth/login", { username, password: user.password });
  assert.equal(locked.body.code, "too_many_attempts");
  const unlocked = await admin(server, ["unlock", user.email]);
  assert.match(unlocked.output, /^The failed logins of user-.* are forgotten/);
  await client.logIn(user);
  assert.deepEqual(await actionsOn(server, user.id, "user.unlocked"), [null]);
  const again = await admin(server, ["unlock", username]);
  assert.match(again.output, /is not locked out/);
  assert.deepEqual(await actionsOn(server, user.id, "user.unlocked"), [null]);
  report("unlock → a locked account logs in, and the audit trail has one event");
}

async function checkReset(client: Client, server: DevServer): Promise<void> {
  const user = await client.newUser();
  const key = await client.post("/v1/api-keys", { name: "Kept", scopes: [] }, user.token);
  assert.equal(key.status, 201);
  await client.post("/v1/auth/password/forgot", { email: user.email });
  await sqlOf(server, user.id, "password_expired = 1");
  const reset = await admin(server, ["reset-password", user.username]);
  const [, password = ""] = /Password \(shown only once\): (\S+)\n$/.exec(reset.output) ?? [];
  assert.match(reset.output, /API keys keep working/);
  assert.equal((await client.get("/v1/users/me", user.token)).status, 401, "the old session");
  assert.equal((await client.refresh(user.refreshToken)).status, 401, "the old refresh token");
  const old = { username: user.username, password: user.password };
  assert.equal((await client.post("/v1/auth/login", old)).status, 401, "the old password");
  await client.logIn({ username: user.username, password });
  const live = `SELECT password_expired, (SELECT count(*) FROM one_time_tokens WHERE user_id = users.id) AS tokens,
    (SELECT count(*) FROM mail_outbox WHERE user_id = users.id AND sent_at IS NULL) AS mails,
    (SELECT count(*) FROM api_keys WHERE user_id = users.id AND revoked_at IS NULL) AS keys
    FROM users WHERE id = '${user.id}'`;
  assert.deepEqual(await rowsOf(server, live), [
    { password_expired: 0, tokens: 0, mails: 0, keys: 1 },
  ]);
  assert.deepEqual(await actionsOn(server, user.id, "password.reset"), [null]);
  const typed = ["reset-password", user.email, "--password-stdin"];
  assert.match(
    (await admin(server, typed, user.username)).output,
    /must not contain the username/i,
  );
  assert.equal((await admin(server, typed, PASSWORD)).code, 0);
  await client.logIn({ username: user.username, password: PASSWORD });
  report("reset-password → the new password works; sessions and links are void, API keys remain");
}

async function checkResetFactors(client: Client, server: DevServer): Promise<void> {
  const user = await client.newUser();
  const none = await admin(server, ["reset-factors", user.username]);
  assert.match(none.output, /has no second factor/);
  await rowsOf(
    server,
    `INSERT INTO factors (id, user_id, type, name, created_at, confirmed_at) VALUES ('lost', '${user.id}', 'totp', 'Phone', 0, 0)`,
  );
  await rowsOf(
    server,
    `INSERT INTO recovery_codes (user_id, hashes, created_at) VALUES ('${user.id}', '[]', 0)`,
  );
  await sqlOf(server, user.id, "mfa_enabled = 1");
  const login = { username: user.username, password: user.password };
  assert.equal((await client.post("/v1/auth/login", login)).body.code, "mfa_required");
  const reset = await admin(server, ["reset-factors", user.email]);
  assert.match(reset.output, /^The second factors and recovery codes of user-.* were removed/);
  assert.equal((await client.get("/v1/users/me", user.token)).status, 401, "the old session");
  await client.logIn(user);
  const left = `SELECT (SELECT count(*) FROM factors WHERE user_id = users.id) AS factors,
    (SELECT count(*) FROM recovery_codes WHERE user_id = users.id) AS codes FROM users WHERE id = '${user.id}'`;
  assert.deepEqual(await rowsOf(server, left), [{ factors: 0, codes: 0 }]);
  assert.deepEqual(await actionsOn(server, user.id, "factors.reset"), [null]);
  report("reset-factors → the password suffices again, and the sessions have ended");
}

async function checkRebuildSearch(client: Client, server: DevServer): Promise<void> {
  const user = await client.newUser();
  const { token } = await client.logIn({ username: "grace", password: PASSWORD });
  const find = async () => {
    const { body } = await client.get(`/v1/users?q=${user.username}`, token);
    return (body.data as unknown as unknown[]).length;
  };
  assert.equal(await find(), 1);
  await rowsOf(
    server,
    `DELETE FROM users_search WHERE rowid = (SELECT seq FROM users WHERE id = '${user.id}')`,
  );
  await rowsOf(
    server,
    "INSERT INTO users_search (rowid, state, text) VALUES (30000, 'nobody', 'nobody')",
  );
  assert.equal(await find(), 0);
  const rebuilt = await admin(server, ["rebuild-search"]);
  assert.match(rebuilt.output, /^20000 of 30000 done\. To continue from here: --from 20000\n/);
  assert.match(rebuilt.output, /The search index is complete\.\n$/);
  assert.equal(await find(), 1);
  const counts =
    "SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM users_search) AS indexed";
  const [row] = await rowsOf(server, counts);
  assert.equal(row?.users, row?.indexed);
  assert.equal((await admin(server, ["rebuild-search", "--from", "x"])).code, 1);
  report("rebuild-search → the search index has every user again, and nothing else");
}

async function checkKeys(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "keys-"));
  const file = join(folder, ".prod.vars");
  const mode = () => (statSync(file).mode & 0o777).toString(8);
  await run("scripts/keys.ts", ["generate", "--file", file]);
  assert.equal(mode(), "600");
  for (const kind of ["signing", "mac", "data", "pepper"]) {
    chmodSync(file, 0o644);
    assert.equal((await run("scripts/keys.ts", ["rotate", kind, "--file", file])).code, 0);
    assert.equal(mode(), "600", `after rotating ${kind} keys in a file that others could read`);
  }
  assert.equal(Object.keys(readVars(file) ?? {}).length, 4);
  rmSync(folder, { recursive: true });
  report("keys → the file is readable by its owner only, also if others could read it before");
}

function checkSecretFiles(): void {
  const none = { env: undefined, config: undefined, name: undefined };
  assert.equal(toSecretsFile(none), ".prod.vars");
  assert.equal(toSecretsFile({ ...none, config: "./wrangler.toml" }), ".prod.vars");
  assert.equal(toSecretsFile({ ...none, env: "staging" }), ".prod.staging.vars");
  assert.equal(toSecretsFile({ ...none, config: "eu.toml", env: "a" }), ".prod.eu.toml.a.vars");
  assert.equal(toSecretsFile({ ...none, name: "other" }), ".prod.other.vars");
  report("deploy → every environment has a file of its own for its secrets");
}

async function checkCleanUp(): Promise<void> {
  const state = mkdtempSync(join(tmpdir(), "empty-"));
  const folder = mkdtempSync(join(tmpdir(), "temporary-"));
  process.env.TMPDIR = folder;
  const failing = withPrivateFile("secret", async (path) => {
    assert.equal((statSync(path).mode & 0o777).toString(8), "600");
    throw new Error("the work fails");
  });
  await assert.rejects(failing, /the work fails/);
  const change = "UPDATE users SET password_hash = 'secret'";
  const changing = makeChanges(["--local", "--persist-to", state], [change]);
  await assert.rejects(changing, /The database has no tables/);
  // Wrangler leaves folders of its own, without what it was given.
  const left = readdirSync(folder).filter((name) => name.startsWith("roster-"));
  assert.deepEqual(left, []);
  for (const path of [state, folder]) rmSync(path, { recursive: true });
  report("temporary files → mode 0600, and removed also on failure");
}

function admin({ database }: Pick<DevServer, "database">, args: readonly string[], input = "") {
  const place = database.filter((flag) => flag !== "--local");
  return run("scripts/admin.ts", [...args, ...place], input);
}

/** Runs a script and fails if the arguments of any process that it starts contain a secret. */
async function run(script: string, args: readonly string[], input = "") {
  const child = spawn(process.execPath, [script, ...args], { cwd: ROOT });
  child.stdin.end(input);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  let isExposed = false;
  const watch = setInterval(() => {
    const lines = argumentsOfDescendants(child.pid ?? 0);
    isExposed ||= lines.some((line) => secrets.some((secret) => secret.test(line)));
  }, WATCH_MS);
  const code = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(watch);
  assert.ok(!isExposed, `${script} ${args[0]}: a process had a secret among its arguments`);
  return { code, output };
}

/** The arguments of a process and of those that it started. Empty where there is no /proc, as on macOS. */
function argumentsOfDescendants(id: number): string[] {
  const children = readProcess(`${id}/task/${id}/children`).split(" ").filter(Boolean);
  const lines = children.flatMap((child) => argumentsOfDescendants(Number(child)));
  return [readProcess(`${id}/cmdline`), ...lines];
}

// A process can end at any time.
function readProcess(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

async function rowsOf({ database }: DevServer, statement: string) {
  return (await readRows(database, statement)) as Record<string, unknown>[];
}

async function sqlOf(server: DevServer, userId: string, set: string): Promise<void> {
  await rowsOf(server, `UPDATE users SET ${set} WHERE id = '${userId}'`);
}

/** The changes of a user's audit events with an action. All must be the system's. */
async function actionsOn(server: DevServer, userId: string, action: string) {
  const rows = await rowsOf(
    server,
    `SELECT actor_type, changes FROM audit_events WHERE target_id = '${userId}' AND action = '${action}'`,
  );
  for (const { actor_type } of rows) assert.equal(actor_type, "system");
  return rows.map(({ changes }) => changes);
}

function report(text: string): void {
  console.log(`ok  ${text}`);
}
