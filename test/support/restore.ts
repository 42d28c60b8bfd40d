import { env } from "cloudflare:workers";
import { sqlAll, sqlRun } from "./fixtures.ts";

/** The tables whose rows must not come back to life. */
const TABLES = [
  "sessions",
  "api_keys",
  "one_time_tokens",
  "spent_tokens",
  "mail_outbox",
  "idempotency_keys",
];

export type Snapshot = [table: string, rows: Record<string, unknown>[]][];

/** Copies the rows that a restore of the database would bring back. */
export function takeSnapshot(): Promise<Snapshot> {
  return Promise.all(
    TABLES.map(async (table): Promise<Snapshot[number]> => {
      return [table, await sqlAll(`SELECT * FROM ${table}`)];
    }),
  );
}

/** Puts the rows back as they were, and forgets the session records in KV, which expire. */
export async function restoreSnapshot(snapshot: Snapshot): Promise<void> {
  for (const [table, rows] of snapshot) {
    await sqlRun(`DELETE FROM ${table}`);
    for (const row of rows) {
      const names = Object.keys(row);
      const slots = names.map(() => "?").join(", ");
      await sqlRun(
        `INSERT INTO ${table} (${names.join(", ")}) VALUES (${slots})`,
        ...Object.values(row),
      );
    }
  }
  const { keys } = await env.KV.list({ prefix: "session:" });
  for (const { name } of keys) await env.KV.delete(name);
}
