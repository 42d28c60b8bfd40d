import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toAttemptKey } from "../../src/authentication/attempts/repository.ts";
import { firstIdAt } from "../../src/lib/ids.ts";
import { insertAuditEvent, literal, literals, makeChanges, readRows } from "./database.ts";
import { UsageError } from "./fail.ts";
import { writePrivateFile } from "./private-file.ts";
import type { Database } from "./time-travel.ts";
import { runWrangler } from "./wrangler.ts";

/** Rows per query. */
const PAGE = 1000;
/** Users per transaction. */
const ERASED_PER_CHANGE = 50;
/** The key of the revocation epoch in KV, which the worker reads (src/access/revocation.ts). */
const REVOCATION_KEY = "revoked_before";

type Row = Record<string, string | number | null>;

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

/** Writes the contents of all tables as SQL into a file that only its owner may read. */
export async function exportDatabase(database: Database, file: string): Promise<void> {
  const tables = await listTables(database);
  writePrivateFile(file, "");
  if (database.state !== undefined) {
    writePrivateFile(file, await dumpTables(database, tables));
    return;
  }
  const selected = tables.flatMap((table) => ["--table", table]);
  const flags = [...database.where, "--no-schema", "--skip-confirmation", "--output", file];
  await runWrangler(["d1", "export", "DB", ...flags, ...selected]);
  chmodSync(file, 0o600);
}

// `wrangler d1 export` cannot read a local database of another folder.
async function dumpTables({ where }: Database, tables: readonly string[]): Promise<string> {
  const lines = ["PRAGMA defer_foreign_keys = TRUE;"];
  for (const table of tables) {
    for (const row of (await readRows(where, `SELECT * FROM ${table}`)) as Row[]) {
      const columns = Object.keys(row).join(", ");
      lines.push(`INSERT INTO ${table} (${columns}) VALUES (${literals(...Object.values(row))});`);
    }
  }
  return `${lines.join("\n")}\n`;
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
    await exportDatabase(database, file);
    await runWrangler(["d1", "migrations", "apply", "DB", ...scratch]);
    await makeChanges(scratch, ["DELETE FROM roles"]);
    await runWrangler(["d1", "execute", "DB", ...scratch, "--yes", "--file", file]);
    const copy = { where: scratch, state: folder, target: [] };
    return { expected, restored: await countRows(copy, tables) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The audit events since a time, the oldest first, as they are stored. */
export async function readEvents({ where }: Database, since: number): Promise<Row[]> {
  const events: Row[] = [];
  for (let after = firstIdAt(since); ; ) {
    const page = (await readRows(
      where,
      `SELECT * FROM audit_events WHERE id > ${literal(after)} ORDER BY id LIMIT ${PAGE}`,
    )) as Row[];
    events.push(...page);
    if (page.length < PAGE) return events;
    after = String(page.at(-1)?.id);
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
  const flags = ["--binding", "KV", "--preview=false", ...where];
  await runWrangler(["kv", "key", "put", REVOCATION_KEY, value, ...flags]);
  return now;
}
