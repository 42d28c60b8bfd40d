import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import {
  archiveKeysOf,
  type SealContent,
  startOf,
  toCanonicalJson,
} from "../../src/lib/audit-seal.ts";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { always, at, faultyBindings } from "../support/faults.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import {
  addEvents,
  clearTrail,
  DAY,
  FIRST,
  firstDay,
  HOUR,
  idOf,
  linesOfDay,
  putArchived,
  readArchived,
  readSeals,
  readStored,
  runHourly,
  tamper,
} from "../support/seals.ts";

const EVENTS = "audit/2026-10-01.ndjson.gz";
const SEAL = "audit/2026-10-01.seal.json";
const MARK = /^update "audit_seals" set "archived_at"/;

const keysInArchive = async () => (await env.ARCHIVE.list()).objects.map(({ key }) => key);
const textOfDay = async (day: number) =>
  (await linesOfDay(day)).map((line) => `${line}\n`).join("");

beforeEach(async () => {
  await clearTrail();
  vi.useFakeTimers({ toFake: ["Date"], now: FIRST + DAY + HOUR });
});

describe("the archive", () => {
  it("has each sealed day as gzipped NDJSON of the events as stored, with its seal", async () => {
    await addEvents(0, 1200);
    vi.setSystemTime(FIRST + 2 * DAY + HOUR);
    await runHourly();
    expect(await keysInArchive()).toEqual([
      EVENTS,
      SEAL,
      "audit/2026-10-02.ndjson.gz",
      "audit/2026-10-02.seal.json",
    ]);
    expect(await readArchived(EVENTS)).toBe(await textOfDay(0));
    expect(await readArchived("audit/2026-10-02.ndjson.gz")).toBe("");
    const [seal] = await readSeals();
    expect(seal?.archived_at).toBe(FIRST + 2 * DAY + HOUR);
    const archived = JSON.parse((await readArchived(SEAL)) ?? "") as SealContent;
    expect(seal).toMatchObject(archived);
    expect(Object.keys(archived)).toHaveLength(8);
  });

  it("has no personal data in the clear, and what it has cannot be read after an erasure", async () => {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    const day = await firstDay();
    vi.setSystemTime(startOf(day) + DAY + HOUR);
    await runHourly();
    const text = (await readArchived(archiveKeysOf(day).events)) ?? "";
    expect(text).toContain(user.id);
    expect(text).not.toContain(user.email);
    expect(text).not.toContain("203.0.113.7");
    vi.setSystemTime(FIRST + DAY + HOUR);
    await send(`/v1/users/${user.id}`, { method: "DELETE", token: admin.token });
    await send(`/v1/users/${user.id}/erase`, { method: "POST", token: admin.token });
    const { body } = await send(`/v1/audit-events?target_id=${user.id}`, { token: admin.token });
    const created = body.data.find(({ action }: { action: string }) => action === "user.created");
    expect(created).toMatchObject({ changes: { email: null }, ip: null, erased: true });
    // What is archived is what is stored, and nothing more.
    const stored = (await readStored()).map((event) => `${toCanonicalJson(event)}\n`);
    expect(stored.join("").startsWith(text)).toBe(true);
  });

  it("is left out without a bucket, and catches up once one is bound", async () => {
    await addEvents(0, 1);
    await runHourly(createIsolate({ ARCHIVE: undefined }));
    expect(await readSeals()).toMatchObject([{ count: 1, archived_at: null }]);
    await runHourly();
    expect(await readArchived(EVENTS)).toBe(await textOfDay(0));
  });
});

describe("a run that archives", () => {
  it.each([
    ["R2 does not store the events", () => ({ archivePut: at(/ndjson/) })],
    ["R2 does not answer", () => ({ archiveGet: at(/ndjson/) })],
    ["R2 does not store the seal", () => ({ archivePut: at(/seal/) })],
    ["D1 fails while the events are read", () => ({ d1: atArchiving() })],
    ["D1 does not record it", () => ({ d1: at(MARK) })],
    ["D1's answer is lost", () => ({ d1AnswerLost: at(MARK) })],
  ])("fails if %s, and the next one repeats it", async (_, faults) => {
    await addEvents(0, 5);
    const logs = captureLogs();
    await runHourly(faultyBindings(faults()));
    expect(logs.of("cron.job_failed")).toMatchObject([{ job: "archive_audit_trail" }]);
    await runHourly();
    expect(await readArchived(EVENTS)).toBe(await textOfDay(0));
    expect(JSON.parse((await readArchived(SEAL)) ?? "").count).toBe(5);
    expect(await readSeals()).toMatchObject([{ archived_at: expect.any(Number) }]);
    expect(logs.of("cron.job_failed")).toHaveLength(1);
  });

  it("does not write again what a run archived that failed after it", async () => {
    await addEvents(0, 5);
    await runHourly(faultyBindings({ d1: at(MARK) }));
    const logs = captureLogs();
    // As a bucket lock does.
    await runHourly(faultyBindings({ archivePut: always }));
    expect(logs.of("cron.job_failed")).toEqual([]);
    expect(await readSeals()).toMatchObject([{ archived_at: expect.any(Number) }]);
  });

  it("refuses another seal in the archive", async () => {
    await addEvents(0, 5);
    await env.ARCHIVE.put(SEAL, "{}\n");
    const logs = captureLogs();
    await runHourly();
    expect(logs.of("audit.seal_mismatch")).toMatchObject([{ place: "archive" }]);
    expect(await readArchived(SEAL)).toBe("{}\n");
    expect(await readSeals()).toMatchObject([{ archived_at: null }]);
  });

  it("can run twice at once", async () => {
    await addEvents(0, 5);
    const logs = captureLogs();
    await runHourly(beforeStatement(MARK, () => runHourly()));
    expect(logs.of("cron.job_failed")).toEqual([]);
    expect(await readArchived(EVENTS)).toBe(await textOfDay(0));
  });

  it("refuses events in D1 that differ from the seal, and stores nothing", async () => {
    await addEvents(0, 5);
    await runHourly(createIsolate({ ARCHIVE: undefined }));
    await tamper(`UPDATE audit_events SET target_id = 'other' WHERE id = '${idOf(0, 3)}'`);
    const logs = captureLogs();
    await runHourly();
    expect(logs.of("audit.seal_mismatch")).toMatchObject([
      { level: "error", place: "database", day: "2026-10-01" },
    ]);
    expect(logs.of("cron.job_failed")).toMatchObject([
      { job: "archive_audit_trail", error: "SealMismatch" },
    ]);
    expect(await keysInArchive()).toEqual([]);
    expect(await readSeals()).toMatchObject([{ archived_at: null }]);
  });

  it.each([
    ["other events", "{}\n"],
    ["an incomplete line", "{"],
  ])("does not overwrite an archive with %s", async (_, text) => {
    await addEvents(0, 5);
    await putArchived(EVENTS, text);
    const logs = captureLogs();
    await runHourly();
    expect(logs.of("audit.seal_mismatch")).toMatchObject([{ place: "archive" }]);
    expect(await readArchived(EVENTS)).toBe(text);
    expect(await readSeals()).toMatchObject([{ archived_at: null }]);
  });

  it("does not take for an archive what is not gzipped", async () => {
    await addEvents(0, 5);
    await env.ARCHIVE.put(EVENTS, "not gzipped");
    const logs = captureLogs();
    await runHourly();
    expect(logs.of("audit.seal_mismatch")).toMatchObject([{ place: "archive" }]);
  });
});

/** Fails when the events of a day are read for the second time: the first time, they are sealed. */
function atArchiving() {
  const matches = at(/^select "action"/);
  let seen = 0;
  return (sql: string) => {
    if (matches(sql)) seen += 1;
    return matches(sql) && seen === 2;
  };
}
