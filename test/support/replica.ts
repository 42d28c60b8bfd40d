import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createIsolate } from "./isolates.ts";

/** The tables of what people read of themselves, in the order of their references. */
const TABLES = ["roles", "users", "sessions", "api_keys", "profiles"];

/** Where a round trip went, and with which constraint or bookmark its session began. */
interface RoundTrip {
  anchor: string;
  place: "primary" | "replica";
  sql: string;
}

/**
 * A database with one replica, which stands still until `catchUp` copies the primary. As D1 does it, a session may read from the
 * replica unless it begins with `first-primary` or with a bookmark that the replica has not reached, and writes go to the primary.
 */
export async function createReplicatedIsolate(settings: Record<string, string> = {}) {
  await applyD1Migrations(env.REPLICA, env.TEST_MIGRATIONS);
  const trips: RoundTrip[] = [];
  const versions = { primary: 1, replica: 0 };

  async function run(anchor: string, statements: { sql: string; values: unknown[] }[]) {
    const sql = statements.map((statement) => statement.sql).join(";\n");
    const isWrite = /^(insert|update|delete)\b/im.test(sql);
    const isBehind = toBookmark(versions.replica) < anchor;
    const mayLag = anchor === "first-unconstrained" || (anchor !== "first-primary" && !isBehind);
    const place = mayLag && !isWrite ? "replica" : "primary";
    trips.push({ anchor, place, sql });
    if (isWrite) versions.primary += 1;
    const database = place === "replica" ? env.REPLICA : env.DB;
    const results = await database.batch(
      statements.map((statement) => database.prepare(statement.sql).bind(...statement.values)),
    );
    return { results, bookmark: toBookmark(versions[place]) };
  }

  const DB = {
    withSession(anchor: string) {
      let bookmark: string | null = null;
      return {
        prepare: (sql: string) => ({ bind: (...values: unknown[]) => ({ sql, values }) }),
        async batch(statements: { sql: string; values: unknown[] }[]) {
          const done = await run(anchor, statements);
          bookmark = done.bookmark;
          return done.results;
        },
        getBookmark: () => bookmark,
      };
    },
  } as unknown as D1Database;

  return {
    bindings: { ...createIsolate({ D1_READ_REPLICAS: "on", ...settings }), DB },
    /** The round trips so far. */
    trips,
    async catchUp() {
      for (const table of TABLES.toReversed()) await env.REPLICA.exec(`DELETE FROM ${table}`);
      for (const table of TABLES) await copyTable(table);
      versions.replica = versions.primary;
    },
  };
}

async function copyTable(table: string): Promise<void> {
  // Without generated columns.
  const columns = await env.DB.prepare(`SELECT name FROM pragma_table_info('${table}')`).all<{
    name: string;
  }>();
  const names = columns.results.map(({ name }) => name);
  const { results } = await env.DB.prepare(`SELECT ${names.join(", ")} FROM ${table}`).all();
  for (const row of results) {
    const slots = names.map(() => "?").join(", ");
    await env.REPLICA.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${slots})`)
      .bind(...Object.values(row))
      .run();
  }
}

function toBookmark(version: number): string {
  const number = version.toString(16).padStart(8, "0");
  return `${number}-00000000-00004c6d-${"0".repeat(32)}`;
}
