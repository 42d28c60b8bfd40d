import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { toAttemptKey } from "../../src/authentication/attempts/repository.ts";
import { insertAuditEvent, literal, literals, makeChanges, readRows } from "./database.ts";
import { UsageError } from "./fail.ts";
import { isLocal, withLocalStores } from "./local-stores.ts";
import type { Row } from "./lost-trail.ts";
import { applyMigrations } from "./migrations.ts";
import { writePrivateFile } from "./private-file.ts";
import type { Database } from "./time-travel.ts";
import { runWrangler } from "./wrangler.ts";

/** Users per transaction. */
const ERASED_PER_CHANGE = 50;
/** The key of the revocation epoch in KV, which the worker reads (src/access/revocation.ts). */
const REVOCATION_KEY = "revoked_before";

/** The tables with data. The search index is derived, and D1 does not export it. */
async function listTables({ where }: Database): Promise<string[]> {
  const rows = (await readRows(
    where,
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'users_search*' AND name NOT GLOB 'sqlite_*'
     AND name NOT GLOB '_cf_*' AND name NOT GLOB 'd1_*' ORDER BY name`,
  )) as { name: string }[];
  if (rows.length === 0) throw new UsageError("The database has no tables.");
  return rows.map(({ name }) => name);
}

/** Writes the contents of all tables, or of those given, as SQL into a file that only its owner may read. */
export async function exportDatabase(
  database: Database,
  file: string,
  tables?: readonly string[],
): Promise<void> {
  const selected = tables ?? (await listTables(database));
  // wrangler keeps the mode of a file that exists.
  writePrivateFile(file, "");
  const flags = ["--no-schema", "--skip-confirmation", "--output", resolve(file)];
  for (const table of selected) flags.push("--table", table);
  const { where, state, target } = database;
  if (state === undefined) await exportFrom([...where, ...flags]);
  else
    await inFolderWith(state, (cwd) => exportFrom(["--local", ...target, "--cwd", cwd, ...flags]));
}

function exportFrom(flags: readonly string[]): Promise<string> {
  return runWrangler(["d1", "export", "DB", ...flags]);
}

// Unlike other commands, `wrangler d1 export` takes no --persist-to.
async function inFolderWith<T>(state: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "roster-export-"));
  try {
    mkdirSync(join(folder, ".wrangler"));
    symlinkSync(resolve(state), join(folder, ".wrangler", "state"));
    copyFileSync("wrangler.toml", join(folder, "wrangler.toml"));
    return await work(folder);
  } finally {
    // Removes the link, not what it leads to.
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The number of rows of each table. */
async function countRows({ where }: Database, tables: readonly string[]): Promise<Row> {
  const counts = tables.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`);
  const [row] = await readRows(where, `SELECT ${counts.join(", ")}`);
  return row as Row;
}

/**
 * Exports a database, imports the file into a new local one, and returns the rows of each table in both. Removes what it has
 * created.
 */
export async function drill(database: Database): Promise<{ expected: Row; restored: Row }> {
  const folder = mkdtempSync(join(tmpdir(), "roster-drill-"));
  try {
    const file = join(folder, "export.sql");
    const scratch = ["--local", "--persist-to", join(folder, "state")];
    const tables = await listTables(database);
    const expected = await countRows(database, tables);
    await exportDatabase(database, file, tables);
    await applyMigrations(scratch);
    // What migrations insert is in the export, too.
    await makeChanges(scratch, ["DELETE FROM roles", "DELETE FROM analytics_progress"]);
    await runWrangler(["d1", "execute", "DB", ...scratch, "--yes", "--file", file]);
    const copy = { where: scratch, state: folder, target: [] };
    return { expected, restored: await countRows(copy, tables) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The ids of the users whom events say to be erased. */
export function listErased(events: readonly Row[]): string[] {
  const erased = events.filter(({ action }) => action === "user.erased");
  return [...new Set(erased.map(({ target_id }) => String(target_id)))];
}

/** Erases users as the service does, each with its audit event, if they exist. Returns how many existed. */
export async function eraseUsers({ where }: Database, ids: readonly string[]): Promise<number> {
  let count = 0;
  for (let start = 0; start < ids.length; start += ERASED_PER_CHANGE) {
    const some = ids.slice(start, start + ERASED_PER_CHANGE);
    const found = (await readRows(
      where,
      `SELECT id FROM users WHERE id IN (${literals(...some)})`,
    )) as { id: string }[];
    if (found.length > 0) await makeChanges(where, found.flatMap(eraseUser));
    count += found.length;
  }
  return count;
}

function eraseUser({ id: userId }: { id: string }): string[] {
  const whereThere = `EXISTS (SELECT 1 FROM users WHERE id = ${literal(userId)})`;
  return [
    insertAuditEvent({ action: "user.erased", userId }, whereThere),
    `DELETE FROM login_attempts WHERE key = ${literal(toAttemptKey(userId))}`,
    `DELETE FROM users WHERE id = ${literal(userId)}`,
  ];
}

/** Sets the revocation epoch in KV to the current time and returns it. Everything from before it is void. */
export async function revokeUntilNow({ where }: Database): Promise<string> {
  const now = new Date().toISOString();
  const value = JSON.stringify(now);
  if (isLocal(where)) {
    await withLocalStores(where, ({ KV }) => KV.put(REVOCATION_KEY, value));
    return now;
  }
  const flags = ["--binding", "KV", "--preview=false", ...where];
  await runWrangler(["kv", "key", "put", REVOCATION_KEY, value, ...flags]);
  return now;
}
