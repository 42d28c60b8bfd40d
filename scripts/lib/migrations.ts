import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { literal } from "./database.ts";
import { isLocal, withLocalStores } from "./local-stores.ts";
import { runWrangler } from "./wrangler.ts";

const FOLDER = "migrations";
/** The table in which wrangler records what it has applied. */
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/**
 * Applies the migrations that a database lacks. To a local one, they are applied here in one transaction, because wrangler takes a
 * second for each.
 */
export async function applyMigrations(where: readonly string[]): Promise<void> {
  if (!isLocal(where)) {
    await runWrangler(["d1", "migrations", "apply", "DB", ...where]);
    return;
  }
  await withLocalStores(where, async ({ DB }) => {
    await DB.prepare(CREATE_TABLE).run();
    const { results } = await DB.prepare("SELECT name FROM d1_migrations").all<{ name: string }>();
    const applied = new Set(results.map(({ name }) => name));
    const missing = listMigrations().filter((name) => !applied.has(name));
    const statements = await Promise.all(missing.map(readMigration));
    if (missing.length > 0) await DB.batch(statements.flat().map((text) => DB.prepare(text)));
  });
}

async function readMigration(name: string): Promise<string[]> {
  const { unstable_splitSqlQuery: split } = await import("wrangler");
  const statements = split(readFileSync(join(FOLDER, name), "utf8"));
  return [...statements, `INSERT INTO d1_migrations (name) VALUES (${literal(name)})`];
}

function listMigrations(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".sql"))
    .sort();
}
