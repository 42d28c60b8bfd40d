// npm run backup -- bookmark [--remote [--env ENV] | --persist-to DIR]
// npm run backup -- export FILE [--remote …]
// npm run backup -- drill [--remote …]
// npm run backup -- restore (--timestamp TIME | --bookmark BOOKMARK --since TIME) --save FILE [--remote …]
// npm run backup -- finish FILE [--remote …]
import { existsSync, readFileSync } from "node:fs";
import { drill, eraseUsers, exportDatabase, listErased, revokeUntilNow } from "./lib/backup.ts";
import { readCommandLine } from "./lib/command-line.ts";
import { main, UsageError } from "./lib/fail.ts";
import {
  formatTrail,
  type LostTrail,
  parseTrail,
  readTrail,
  returnTrail,
} from "./lib/lost-trail.ts";
import { applyMigrations } from "./lib/migrations.ts";
import { writePrivateFile } from "./lib/private-file.ts";
import { toEnvironment } from "./lib/target.ts";
import {
  type Database,
  requireBookmark,
  restoreBookmark,
  takeBookmark,
} from "./lib/time-travel.ts";

const USAGE = `Usage:
  npm run backup -- bookmark
  npm run backup -- export FILE
  npm run backup -- drill
  npm run backup -- restore --timestamp TIME --save FILE
  npm run backup -- restore --bookmark BOOKMARK --since TIME --save FILE
  npm run backup -- finish FILE
Uses the local database unless --remote is given. --persist-to DIR selects another local database,
--env NAME the database of an environment, of remote ones by default production. Stop a local worker before bookmark and restore.
restore saves the part of the audit trail since the time to FILE, restores, voids all sessions, API keys
and links, puts the saved part back, and erases those again who were erased since. finish repeats the last two.`;

const OPTIONS = {
  timestamp: { type: "string" },
  bookmark: { type: "string" },
  since: { type: "string" },
  save: { type: "string" },
  remote: { type: "boolean" },
  env: { type: "string", short: "e" },
  "persist-to": { type: "string" },
} as const;

type Flags = ReturnType<typeof parse>["values"];

await main(async () => {
  const { values, positionals } = parse();
  const [command = "", file, ...others] = positionals;
  const database = toDatabase(values);
  if (others.length > 0) throw new UsageError(USAGE);
  if (command === "export" && file) return exportTo(database, file);
  if (command === "finish" && file) return finishFrom(database, file);
  if (file !== undefined) throw new UsageError(USAGE);
  if (command === "bookmark") return printBookmark(database);
  if (command === "drill") return runDrill(database);
  if (command === "restore") return restore(database, values);
  throw new UsageError(USAGE);
});

async function printBookmark(database: Database): Promise<void> {
  const since = new Date().toISOString();
  const bookmark = await takeBookmark(database);
  const flags = database.where.filter((flag) => flag !== "--local").join(" ");
  console.log(`Bookmark ${bookmark} of ${since}. To restore it:
  npm run backup -- restore --bookmark ${bookmark} --since ${since} --save lost-events.ndjson ${flags}`);
}

async function exportTo(database: Database, file: string): Promise<void> {
  if (existsSync(file)) throw new UsageError(`${file} exists. Name a new file.`);
  await exportDatabase(database, file);
  console.log(`Exported to ${file}, which has personal data and password hashes.`);
}

async function runDrill(database: Database): Promise<void> {
  const { expected, restored } = await drill(database);
  for (const [table, rows] of Object.entries(expected)) {
    console.log(`${table}: ${restored[table]} of ${rows} rows`);
  }
  const differing = Object.keys(expected).filter((table) => expected[table] !== restored[table]);
  if (differing.length === 0) return console.log("The export can be restored.");
  throw new UsageError(
    `The number of rows differs: ${differing.join(", ")}. Repeat the drill at a time with fewer changes.`,
  );
}

async function restore(database: Database, flags: Flags): Promise<void> {
  const { save } = flags;
  const { since, bookmark } = await readPoint(database, flags);
  if (!save) throw new UsageError(`--save FILE is missing.\n${USAGE}`);
  if (existsSync(save)) throw new UsageError(`${save} exists. Name a new file.`);
  // Before the restore, so that nothing comes back to life, and again afterwards, because of what was issued in the meantime.
  await revokeUntilNow(database);
  const undo = await takeBookmark(database);
  const trail = await readTrail(database, since);
  writePrivateFile(save, formatTrail(trail));
  await restoreBookmark(database, bookmark);
  console.log(
    `Restored. The audit events since ${new Date(since).toISOString()} are in ${save}. The state before has the bookmark ${undo}.`,
  );
  const revokedBefore = await revokeUntilNow(database);
  await applyMigrations(database.where);
  await finish(database, trail);
  console.log(`Everything from before ${revokedBefore} is void: sessions, API keys and links. So that this does not depend on KV,
set REVOKED_BEFORE = "${revokedBefore}" under [vars] in wrangler.toml, and deploy.`);
}

/** The state to restore, and the time since when audit events are lost. */
async function readPoint(database: Database, { timestamp, bookmark, since }: Flags) {
  const time = timestamp ?? since ?? "";
  const hasPoint = (timestamp !== undefined) !== (bookmark !== undefined);
  if (!hasPoint || !/^\d{4}-\d\d-\d\dT.+(Z|[+-]\d\d:\d\d)$/.test(time) || !Date.parse(time)) {
    throw new UsageError(
      `restore needs --timestamp, or --bookmark and --since, with a time such as 2026-11-20T08:00:00Z.\n${USAGE}`,
    );
  }
  if (bookmark !== undefined) requireBookmark(database, bookmark);
  return {
    since: Date.parse(time),
    bookmark: bookmark ?? (await takeBookmark(database, time)),
  };
}

async function finishFrom(database: Database, file: string): Promise<void> {
  await finish(database, parseTrail(readFileSync(file, "utf8")));
}

async function finish(database: Database, trail: LostTrail): Promise<void> {
  await returnTrail(database, trail);
  const erased = await eraseUsers(database, listErased(trail.events));
  console.log(`Put back: ${trail.events.length} audit events. Erased again: ${erased} users.`);
}

function toDatabase(flags: Flags): Database {
  const { remote, "persist-to": persistTo } = flags;
  const env = toEnvironment(flags);
  const target = env === undefined ? [] : ["--env", env];
  if (remote) return { where: ["--remote", ...target], state: undefined, target };
  const place = persistTo === undefined ? [] : ["--persist-to", persistTo];
  return { where: ["--local", ...target, ...place], state: persistTo ?? ".wrangler/state", target };
}

function parse() {
  return readCommandLine(USAGE, { options: OPTIONS, allowPositionals: true });
}
