import { env } from "cloudflare:workers";
import { wrapD1 } from "./d1.ts";

/** The SQL of every statement that the worker has sent in this file. */
const sent = new Set<string>();

/** Statements whose plan was read before, by an earlier file of this runtime. */
const known = new Set<string>();

/** A database that remembers the SQL of what it is sent. */
export function rememberStatements(database: D1Database): D1Database {
  const before = (sql: string) => {
    for (const statement of sql.split(";\n")) sent.add(statement);
    return undefined;
  };
  return wrapD1({ before }, database);
}

/** What may be walked from end to end: values, and tables that do not grow with use. */
const BOUNDED = [
  /^SCAN CONSTANT ROW:/,
  /VIRTUAL TABLE INDEX/,
  /^SCAN \(?(subquery|roles|custom_permissions|job_leases)/,
];

/** First pages, which are read in the order of an index up to their limit. */
const FIRST_PAGES =
  /^SCAN (users USING INDEX users_(created_at|deleted)|api_keys USING INDEX sqlite_autoindex_api_keys_1): .* limit \?$/s;

/** Counts the outbox for /metrics, which needs a permission. */
const METRICS = /^SCAN mail_outbox: select count\(\*\) FILTER/;

/** Statements that walk a table that can grow, each with the line of its plan. */
export async function findScans(): Promise<string[]> {
  const scans: string[] = [];
  for (const sql of sent) {
    if (known.has(sql)) continue;
    known.add(sql);
    for (const line of await planOf(sql)) {
      const scan = `${line}: ${sql}`;
      const isBounded = [...BOUNDED, FIRST_PAGES, METRICS].some((pattern) => pattern.test(scan));
      if (line.startsWith("SCAN") && !isBounded) scans.push(scan);
    }
  }
  sent.clear();
  return scans;
}

async function planOf(sql: string): Promise<string[]> {
  const values = Array.from(sql.matchAll(/\?/g), () => null);
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...values)
    .all<{ detail: string }>();
  return results.map(({ detail }) => detail);
}
