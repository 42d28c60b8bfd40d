// npm run test:audit: seals, archives and trims days of a new worker's audit trail with its hourly jobs, and checks that `npm run audit`
// finds what was changed, in the database, in the archive and with an export.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { literals, makeChanges, readRows } from "../../scripts/lib/database.ts";
import { withLocalStores } from "../../scripts/lib/local-stores.ts";
import { dayOf } from "../../src/lib/audit-seal.ts";
import { firstIdAt } from "../../src/lib/ids.ts";
import { DAY } from "../../src/lib/time.ts";
import { createClient } from "./client.ts";
import { type DevServer, ROOT, withDevServer } from "./server.ts";

const HOURLY = "/cdn-cgi/handler/scheduled?cron=17+*+*+*+*";
const RETENTION_DAYS = 4;
const EVENTS_PER_DAY = 5;
const TODAY = Date.now() - (Date.now() % DAY);
/** The first day is trimmed, and the others are not. The last one is the day before yesterday, which is surely due. */
const DAYS = [5, 4, 3, 2].map((ago) => dayOf(TODAY - ago * DAY));
const [FIRST = "", SECOND = "", THIRD = "", LAST = ""] = DAYS;

/** The id of an event of a day. */
const idOf = (day: string, number: number) => firstIdAt(Date.parse(day) + number);

const folder = mkdtempSync(join(tmpdir(), "audit-"));
try {
  await withDevServer(checkTrail, { AUDIT_RETENTION_DAYS: String(RETENTION_DAYS) });
} finally {
  rmSync(folder, { recursive: true });
}

async function checkTrail(server: DevServer): Promise<void> {
  const client = await createClient(server.url, server.admin);
  assert.match((await audit(server, [])).output, /^error: No day is sealed yet/);
  const numbers = Array.from({ length: EVENTS_PER_DAY }, (_, number) => number);
  await makeChanges(server.database, [
    insertEvents(DAYS.flatMap((day) => numbers.map((number) => ({ day, number })))),
  ]);
  assert.equal((await fetch(server.url + HOURLY)).status, 200);
  const { token } = await client.logIn(server.admin);
  const { body } = await client.get("/v1/audit-events/seals?limit=100", token);
  const seals = body.data as unknown as { day: string; count: number }[];
  const sealed = seals.filter(({ count }) => count > 0).map(({ day }) => day);
  assert.deepEqual(sealed.slice(-4), DAYS.toReversed());
  const events = await exportTrail(server, token);
  assert.equal(events.filter((line) => line.includes(idOf(FIRST, 0))).length, 0);
  assert.equal(events.filter((line) => line.includes(idOf(SECOND, 0))).length, 1);
  const intact = await audit(server, ["--to", LAST]);
  assert.equal(intact.code, 0, intact.output);
  assert.match(intact.output, /: 4 days are as they were sealed, with 20 events\.$/m);
  report(
    "the hourly job seals, archives and trims, and verify reads what was trimmed in the archive",
  );
  await checkExport(server, events);
  await checkDatabase(server);
  await checkArchive(server);
}

async function exportTrail({ url }: DevServer, token: string): Promise<string[]> {
  const response = await fetch(`${url}/v1/audit-events?format=ndjson`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  return (await response.text()).trimEnd().split("\n");
}

/** Also checks where the public keys come from. */
async function checkExport(server: DevServer, lines: readonly string[]): Promise<void> {
  const [file, keys] = [join(folder, "export.ndjson"), join(folder, "jwks.json")];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const jwks = `${server.url}/.well-known/jwks.json`;
  const intact = await audit(server, [...on(LAST), "--export", file, "--jwks", jwks]);
  assert.equal(intact.code, 0, intact.output);
  const id = idOf(LAST, 3);
  const at = lines.findIndex((line) => line.includes(id));
  const forged = lines.with(at, lines[at]?.replace("user.updated", "user.erased") ?? "");
  writeFileSync(file, `${forged.join("\n")}\n`);
  const { code, output } = await audit(server, [...on(LAST), "--export", file]);
  const finding = `error: ${LAST}: in the export, the event ${id} was changed.\n`;
  assert.deepEqual([code, output], [1, finding]);
  report("verify compares an export of the API");
  writeFileSync(keys, '{"keys":[]}');
  const unknown = await audit(server, [...on(LAST), "--jwks", keys]);
  assert.match(unknown.output, /is signed with the key dev-.+, which is not known/);
  const remote = await run(["verify", "--remote"]);
  assert.match(remote.output, /^error: --remote needs --jwks/);
  report("verify takes the public keys of a service");
}

async function checkDatabase(server: DevServer): Promise<void> {
  const [changed, added, missing] = [idOf(SECOND, 2), idOf(THIRD, 9), idOf(LAST, 4)];
  await tamper(server, [
    `UPDATE audit_events SET action = 'user.deleted' WHERE id = '${changed}'`,
    insertEvents([{ day: THIRD, number: 9 }]),
    `DELETE FROM audit_events WHERE id = '${missing}'`,
  ]);
  await requireFinding(server, SECOND, `the event ${changed} was changed`);
  await requireFinding(server, THIRD, `the event ${added} was added`);
  await requireFinding(server, LAST, `the event ${missing} is missing`);
  report("verify names an event of the database that was changed, added, or is missing");
}

async function checkArchive(server: DevServer): Promise<void> {
  const kept = join(folder, "kept.ndjson.gz");
  await withLocalStores(server.database, async ({ ARCHIVE }) => {
    const key = `audit/${FIRST}.ndjson.gz`;
    const object = await ARCHIVE?.get(key);
    const packed = Buffer.from((await object?.arrayBuffer()) ?? []);
    writeFileSync(kept, packed);
    const lines = gunzipSync(packed).toString().trimEnd().split("\n");
    await ARCHIVE?.put(key, gzipSync(`${lines.toSpliced(1, 1).join("\n")}\n`));
  });
  const { code, output } = await audit(server, on(FIRST));
  // Nothing else has this day: its shortened digests show where the event was.
  const missing = `an event after ${idOf(FIRST, 0)} and before ${idOf(FIRST, 2)} is missing`;
  assert.deepEqual([code, output], [1, `error: ${FIRST}: in the archive, ${missing}.\n`]);
  const compared = await audit(server, [...on(FIRST), "--export", kept]);
  const named = `the event ${idOf(FIRST, 1)} is missing`;
  assert.deepEqual(compared.output, `error: ${FIRST}: in the archive, ${named}.\n`);
  report("verify finds an archive that was changed, and names the event with a copy of the day");
}

function insertEvents(events: readonly { day: string; number: number }[]): string {
  const rows = events.map(({ day, number }) => {
    const row = ["user.updated", "system", null, "user", `target-${number}`, Date.parse(day)];
    return `(${literals(idOf(day, number), ...row)})`;
  });
  return `INSERT INTO audit_events (id, action, actor_type, actor_id, target_type, target_id, created_at) VALUES ${rows.join(", ")}`;
}

/** Changes the trail as someone who may write to the database could: without the triggers. */
async function tamper({ database }: DevServer, statements: readonly string[]): Promise<void> {
  const triggers = (await readRows(
    database,
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_events'",
  )) as { name: string; sql: string }[];
  const drops = triggers.map(({ name }) => `DROP TRIGGER ${name}`);
  await makeChanges(database, [...drops, ...statements, ...triggers.map(({ sql }) => sql)]);
}

async function requireFinding(server: DevServer, day: string, what: string): Promise<void> {
  const { code, output } = await audit(server, on(day));
  assert.deepEqual([code, output], [1, `error: ${day}: in the database, ${what}.\n`]);
}

/** The flags for one day alone. */
function on(day: string): string[] {
  return ["--from", day, "--to", day];
}

function audit({ database }: DevServer, args: readonly string[]) {
  return run(["verify", ...args, ...database.filter((flag) => flag !== "--local")]);
}

function run(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ["scripts/audit.ts", ...args],
      { cwd: ROOT },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? 1, output: stdout + stderr }),
    );
  });
}

function report(text: string): void {
  console.log(`ok  ${text}`);
}
