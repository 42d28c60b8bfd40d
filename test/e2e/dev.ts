// npm run test:dev: starts Roster as a developer does, in a copy of the project: with a copy of .dev.vars.example, without the .dev.vars
// of an existing database, after the administrator has changed their password, and while another process changes the database. Prints one line per step and stops at the first failure.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";
import { retryWhileBusy } from "../../scripts/lib/busy.ts";
import { literal, makeChanges, readRows } from "../../scripts/lib/database.ts";
import { UsageError } from "../../scripts/lib/fail.ts";
import { applyMigrations } from "../../scripts/lib/migrations.ts";
import { runWrangler } from "../../scripts/lib/wrangler.ts";
import { type Client, createClient } from "./client.ts";
import { type DevServer, ROOT, withDevServerAt } from "./server.ts";

const NOT_COPIED = [".dev.vars", ".wrangler", ".git"];
const SHOWN_PAGES = [
  ["API", "/docs", "Roster API"],
  ["Guide", "/docs/guide", "Roster guide"],
  ["Console", "/console", "Console"],
  ["Account", "/account", "Account"],
] as const;
const OTHER_PASSWORD = "a fine secret for dev";

const folder = mkdtempSync(join(tmpdir(), "roster-dev-"));
const file = join(folder, ".dev.vars");
const state = join(folder, "state");
try {
  copyProject();
  await checkExample();
  await checkMigrations();
  await checkLostFile();
  await checkOtherPassword();
  await checkRetries();
} finally {
  rmSync(folder, { recursive: true });
}

/** Links the project's files into the folder, except for secrets and databases. */
function copyProject(): void {
  for (const name of readdirSync(ROOT)) {
    if (!NOT_COPIED.includes(name)) symlinkSync(join(ROOT, name), join(folder, name));
  }
  mkdirSync(join(folder, ".wrangler"));
}

async function checkExample(): Promise<void> {
  copyFileSync(join(ROOT, ".dev.vars.example"), file);
  await start(async (server) => {
    assert.match(server.readOutput(), /^Filled in what \.dev\.vars left empty: SIGNING_KEYS, /m);
    await logInAsShown(server);
    await openPagesAsShown(server);
  });
  assert.match(readFileSync(file, "utf8"), /^# Settings of local development\./, "its comment");
  assert.equal((statSync(file).mode & 0o777).toString(8), "600");
  report("with a copy of .dev.vars.example → what is empty is filled in");
}

/** The start applies migrations by itself, so wrangler must agree. */
async function checkMigrations(): Promise<void> {
  const where = ["--local", "--persist-to", state];
  const list = ["d1", "migrations", "list", "DB", ...where];
  assert.match(await runWrangler(list), /No migrations to apply/);
  const [last] = (await readRows(
    where,
    "SELECT name FROM d1_migrations ORDER BY id DESC LIMIT 1",
  )) as { name: string }[];
  await makeChanges(where, [`DELETE FROM d1_migrations WHERE name = ${literal(last?.name ?? "")}`]);
  const isThere = /already exists|duplicate column name/;
  await assert.rejects(applyMigrations(where), isThere, "a migration that fails");
  assert.match(await runWrangler(list), new RegExp(last?.name ?? ""), "it is still missing");
  await makeChanges(where, [
    `INSERT INTO d1_migrations (name) VALUES (${literal(last?.name ?? "")})`,
  ]);
  report(
    "after the first start → wrangler finds every migration applied; one that fails is not recorded",
  );
}

async function checkLostFile(): Promise<void> {
  rmSync(file);
  await start(async (server) => {
    assert.match(
      server.readOutput(),
      /\(new, because \.dev\.vars had none\. The keys are new, too/,
    );
    const client = await logInAsShown(server);
    const body = { current_password: client.admin.password, new_password: OTHER_PASSWORD };
    const changed = await client.post("/v1/auth/password/change", body, client.admin.token);
    assert.equal(changed.status, 204, "the change of the password");
  });
  report("without .dev.vars, but with its database → the administrator gets the new password");
}

async function checkOtherPassword(): Promise<void> {
  await start(async ({ url, admin, readOutput }) => {
    const welcome = readOutput();
    const command = `npm run admin -- reset-password ${admin.username} --persist-to ${state})`;
    assert.match(welcome, /Password {7}not known/);
    assert.ok(welcome.includes(command), "the command that sets a new password");
    assert.ok(!welcome.includes(admin.password), "a password that does not work is printed");
    const login = { username: admin.username, password: OTHER_PASSWORD };
    await checkBusy(await createClient(url, login));
  });
  report("after a change of the password → it stays, and the command that resets it is named");
}

async function checkBusy(client: Client): Promise<void> {
  const database = openDatabase();
  database.exec("BEGIN IMMEDIATE");
  const account = { username: "busy", email: "busy@example.com", password: OTHER_PASSWORD };
  const refused = await client.post("/v1/auth/register", account);
  assert.deepEqual([refused.status, refused.body.code], [503, "service_unavailable"]);
  assert.equal(refused.headers.get("Retry-After"), "5");
  const args = ["scripts/admin.ts", "reset-password", client.admin.username, "--persist-to", state];
  const script = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const hasNoticed = new Promise((resolve) => script.stderr.once("data", resolve));
  const output = text(script.stdout);
  const notice = String(await hasNoticed);
  database.exec("ROLLBACK");
  database.close();
  assert.match(notice, /^The database is busy\. Trying again\.\n$/);
  assert.match(await output, /^The password of \S+ was reset/);
  assert.equal((await client.post("/v1/auth/register", account)).status, 201);
  report(
    "while another process changes the database → 503 with Retry-After, and a script tries again",
  );
}

/** The worker's database, opened as another process would. */
function openDatabase(): DatabaseSync {
  const databases = join(state, "v3/d1/miniflare-D1DatabaseObject");
  const names = readdirSync(databases).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name));
  assert.equal(names.length, 1, "databases");
  return new DatabaseSync(join(databases, names[0] ?? ""));
}

async function checkRetries(): Promise<void> {
  let runs = 0;
  const failing = (message: string) => async () => {
    runs += 1;
    throw new UsageError(message);
  };
  const limits = { attempts: 3, pauseMs: 1 };
  const busy = failing("wrangler d1 failed.\ndatabase is locked: SQLITE_BUSY");
  await assert.rejects(retryWhileBusy(busy, limits), /still busy: another process is changing it/);
  assert.equal(runs, 3);
  await assert.rejects(retryWhileBusy(failing("no such table"), limits), /no such table/);
  assert.equal(runs, 4, "another failure is not repeated");
  report("a database that stays busy → a script gives up and says what to do");
}

async function start(work: (server: DevServer) => Promise<void>): Promise<void> {
  await withDevServerAt({ folder, state }, work, { RATE_LIMIT_AUTH: "0" });
}

/** A client that is logged in with the name and password of the welcome message. */
async function logInAsShown({ url, readOutput }: DevServer): Promise<Client> {
  const shown = /^ {2}Admin +(?<username>\S+) .*\n {2}Password +(?<password>\S+)$/m;
  const { username = "", password = "" } = shown.exec(readOutput())?.groups ?? {};
  return createClient(url, { username, password });
}

/** Opens the pages at the addresses in the welcome message. */
async function openPagesAsShown({ url, readOutput }: DevServer): Promise<void> {
  for (const [name, path, title] of SHOWN_PAGES) {
    const address = new RegExp(`^ {2}${name} +(\\S+)$`, "m").exec(readOutput())?.[1];
    assert.equal(address, url + path);
    const page = await fetch(address);
    assert.equal(page.status, 200, address);
    assert.match(await page.text(), new RegExp(`<title>${title}</title>`));
  }
}

function report(text: string): void {
  console.log(`ok  ${text}`);
}
