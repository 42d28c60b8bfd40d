import { newId } from "../../src/lib/ids.ts";
import { UsageError } from "./fail.ts";
import { isLocal, withLocalStores } from "./local-stores.ts";
import { withPrivateFile } from "./private-file.ts";
import { runWrangler } from "./wrangler.ts";

type Value = string | number | null;

/** Reads rows with one statement. It must contain no secret, because it can be among the arguments of a process. */
export async function readRows(where: readonly string[], statement: string): Promise<unknown[]> {
  if (isLocal(where)) {
    const reading = withLocalStores(where, ({ DB }) => DB.prepare(statement).all());
    return (await explain(where, reading)).results;
  }
  const output = await execute(where, ["--command", statement.replaceAll(/\s+/g, " ")]);
  const results = JSON.parse(output.slice(output.indexOf("["))) as { results: unknown[] }[];
  return results[0]?.results ?? [];
}

/** Makes changes in one transaction. The statements may contain secrets. Returns no rows: a remote database returns none. */
export async function makeChanges(
  where: readonly string[],
  statements: readonly string[],
): Promise<void> {
  if (isLocal(where)) {
    const prepare = (DB: D1Database) => statements.map((statement) => DB.prepare(statement));
    await explain(
      where,
      withLocalStores(where, ({ DB }) => DB.batch(prepare(DB))),
    );
    return;
  }
  const text = statements.map((statement) => `${statement};\n`).join("");
  await withPrivateFile(text, (path) => execute(where, ["--file", path]));
}

function execute(where: readonly string[], input: readonly string[]): Promise<string> {
  const flags = [...where, "--json", "--yes", ...input];
  return explain(where, runWrangler(["d1", "execute", "DB", ...flags]));
}

function explain<T>(where: readonly string[], work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    const hasNoTables = error instanceof UsageError && error.message.includes("no such table");
    if (!hasNoTables) throw error;
    const place = where.join(" ");
    throw new UsageError(`The database has no tables. Create them: npm run db:migrate -- ${place}`);
  });
}

/** The audit event of a change that the operator makes to a user, recorded where the condition holds. */
export function insertAuditEvent(
  { action, userId, changes }: { action: string; userId: string; changes?: object },
  condition: string,
): string {
  const recorded = changes ? JSON.stringify(changes) : null;
  return `INSERT INTO audit_events (id, action, actor_type, target_type, target_id, changes, created_at)
    SELECT ${literals(newId(), action, "system", "user", userId, recorded, Date.now())} WHERE ${condition}`;
}

/** The values as SQL, separated by commas. */
export function literals(...values: Value[]): string {
  return values.map(literal).join(", ");
}

/** A value as SQL. */
export function literal(value: Value): string {
  if (value === null) return "NULL";
  return typeof value === "number" ? String(value) : `'${value.replaceAll("'", "''")}'`;
}
