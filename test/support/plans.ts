import { env } from "cloudflare:workers";
import { noteBound } from "./leaks.ts";

/** The SQL of every statement that the worker has sent in this file. */
const sent = new Set<string>();

/** Statements whose plan was read before, by an earlier file of this runtime. */
const known = new Set<string>();

// Taken from the prototype, because this file runs once per test file and replaces the method.
const batch: D1Database["batch"] = Object.getPrototypeOf(env.DB).batch.bind(env.DB);

/** A statement as the runtime keeps it. */
interface SentStatement {
  statement: string;
  params: readonly unknown[];
}

/**
 * Remembers the SQL that the worker sends from now on, in requests and jobs. It sends batches; the tests' own statements do
 * not.
 */
export function rememberStatements(): void {
  sent.clear();
  env.DB.batch = (statements) => {
    for (const { statement, params } of statements as unknown as SentStatement[]) {
      sent.add(statement);
      noteBound(params);
    }
    return batch(statements);
  };
}

/** What may be walked from end to end: values, and tables that do not grow with use. */
const BOUNDED = [
  /^SCAN CONSTANT ROW:/,
  /VIRTUAL TABLE INDEX/,
  // The greatest value of an index.
  /^SEARCH users USING COVERING INDEX users_seq: insert into "users" /,
  /^SEARCH audit_seals( USING PRIMARY KEY)?: insert into "audit_seals" /,
  // The latest trimmed day.
  /^SCAN audit_seals USING (COVERING )?INDEX audit_seals_trimmed: delete from "audit_events" /,
  // The first event of the trail.
  /^SCAN audit_events: select "id" from "audit_events" order by "audit_events"."id" asc limit \?$/,
  // The rows of a page, which the statement within has limited.
  /^SCAN page:/,
  /^(SCAN|SEARCH) \(?(subquery|roles|custom_permissions|job_leases|metric_counters|alerts|alert_notices)/,
];

/** Pages that are read in the order of an index up to their limit, and leave nothing of the index out. */
const PAGE_END = "(limit \\?( offset \\?)?|LIMIT \\?( OFFSET \\?)?\\) AS page order by [^()]*)$";
const PAGES = [
  "users USING INDEX users_(living|deleted|deleted_at)\\b",
  "api_keys USING INDEX sqlite_autoindex_api_keys_1\\b(?!.* IS NULL\\) =)",
  "unattributed_events USING PRIMARY KEY\\b",
  "users_search_data USING INTEGER PRIMARY KEY\\b",
  "audit_seals( USING (PRIMARY KEY|(COVERING )?INDEX audit_seals_(unarchived|untrimmed))\\b[^:]*)?:",
  "audit_events USING PRIMARY KEY \\(id>\\? AND id<\\?\\):",
].map((index) => new RegExp(`^(SCAN|SEARCH) ${index}.* ${PAGE_END}`, "s"));

/** Pages of the audit trail, of which a request examines no more than a limit. */
const TRAIL =
  /^SEARCH audit_events USING PRIMARY KEY .* ORDER BY id DESC LIMIT \?\)\) AS page where is_selected OR place = \? limit \?$/s;

/** Deletions of what is too old, which are read in the order of an index up to their limit. */
const CLEANUPS = /^SEARCH \w+ USING .*: delete from .* LIMIT \?\)/s;

/** For /ready: the first and the last row of an index, and some in between. */
const SAMPLES =
  /^SEARCH users USING (COVERING )?INDEX users_(living|deleted).*: select \(SELECT data_key /s;

/** For /metrics: emails that were given up, which have an index of their own. */
const METRICS = /^SEARCH mail_outbox USING COVERING INDEX mail_outbox_failed /;

/** Counts users and sessions, up to a limit per round trip, in the scheduled job. */
const POPULATION =
  /^SEARCH (users|sessions) USING [^:]*: select [^?]* from \(SELECT id, [^;]* WHERE id > \? ORDER BY id\s+LIMIT \?\) AS page group by [a-z_, ]+$/s;

/** The days and weeks of analytics, which are one row each. */
const ANALYTICS = /^(SCAN|SEARCH) analytics_(days|cohorts)\b/;

/** The events that are not counted for analytics yet, up to a limit: a scheduled job counts them. */
const UNCOUNTED =
  /^(SEARCH audit_events USING PRIMARY KEY \(id>\?( AND id<\?)?\)|(SCAN|SEARCH) counted): .* LIMIT \?\) AS counted\b/s;

/** Walks users and login attempts in the scheduled jobs, up to a limit per round trip. */
const JOB_WALKS = [
  /^SEARCH users USING INDEX users_seq \(seq>\? AND seq<\?\): update "users" set "last_active_day" = \? where seq > \? AND seq <= \? /,
  /^SEARCH users USING COVERING INDEX users_seq: select max\(seq\) as "last_seq"/,
  /^SEARCH login_attempts USING .*\(key>\?\): select max\(key\) as "last_key" from .* LIMIT \?\)$/,
];

/** Sorts what is in one JSON value, and the sessions of a user who has more than the limit. */
const SORTS = [
  /^USE TEMP B-TREE FOR .*(json_group_array\(value ORDER BY value\)|json_each\("login_attempts")/s,
  /^USE TEMP B-TREE FOR ORDER BY: update "sessions" set .* ORDER BY last_used_at DESC, id DESC LIMIT CASE WHEN /s,
];

/** The totals of lists, which count an index. */
const TOTALS = /^(SCAN|SEARCH) (\w+ USING .*|audit_seals): select count\(\*\) as "total" /;

const EXPECTED = [
  ...BOUNDED,
  ...PAGES,
  TRAIL,
  CLEANUPS,
  SAMPLES,
  METRICS,
  POPULATION,
  ANALYTICS,
  UNCOUNTED,
  ...JOB_WALKS,
  ...SORTS,
  TOTALS,
];

/** How many plans are read in one round trip. */
const PLANS_PER_TRIP = 100;

/** Statements that walk a table that can grow, each with the line of its plan. */
export async function findWalks(): Promise<string[]> {
  const walks: string[] = [];
  const unknown = [...sent].filter((sql) => !known.has(sql));
  sent.clear();
  for (let start = 0; start < unknown.length; start += PLANS_PER_TRIP) {
    const some = unknown.slice(start, start + PLANS_PER_TRIP);
    const plans = await batch<{ detail: string }>(some.map(explain));
    for (const [index, sql] of some.entries()) {
      known.add(sql);
      for (const { detail } of plans[index]?.results ?? []) {
        const walk = `${detail}: ${sql}`;
        if (isWalk(detail) && !EXPECTED.some((pattern) => pattern.test(walk))) walks.push(walk);
      }
    }
  }
  return walks;
}

// A search without an equality reads a range: everything, if its bound is an empty id or a time long ago. Sorting reads everything
// before the limit applies.
function isWalk(line: string): boolean {
  if (line.startsWith("SEARCH")) return !line.includes("=?");
  return line.startsWith("SCAN") || /^USE TEMP B-TREE FOR .*ORDER BY/.test(line);
}

function explain(sql: string): D1PreparedStatement {
  const values = Array.from(sql.matchAll(/\?/g), () => null);
  return env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...values);
}
