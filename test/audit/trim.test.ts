import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import {
  addEvents,
  clearTrail,
  DAY,
  FIRST,
  HOUR,
  idOf,
  readArchived,
  readSeals,
  readStored,
  runHourly,
  tamper,
} from "../support/seals.ts";

const MARK = /^update "audit_seals" set "trimmed_at"/;
const DELETE = /^delete from "audit_events"/;

const keptFor = (days: number, settings: Record<string, string | undefined> = {}) =>
  createIsolate({ AUDIT_RETENTION_DAYS: String(days), ...settings });
const WITHOUT_BUCKET = { ARCHIVE: undefined };

const eventsOfDay = (day: number) => readStored(idOf(day, 0), idOf(day + 1, 0));
const trimmedDays = async () =>
  (await readSeals()).filter(({ trimmed_at }) => trimmed_at !== null).map(({ day }) => day);
const trimEvents = () =>
  sqlAll<{ actor_type: string; actor_id: string | null; metadata: string }>(
    "SELECT actor_type, actor_id, metadata FROM audit_events WHERE action = 'audit.trimmed' ORDER BY id",
  );

beforeEach(async () => {
  await clearTrail();
  vi.useFakeTimers({ toFake: ["Date"], now: FIRST });
});

describe("without AUDIT_RETENTION_DAYS", () => {
  it("no event is ever deleted", async () => {
    await addEvents(0, 2);
    vi.setSystemTime(FIRST + 10 * DAY);
    await runHourly();
    expect(await eventsOfDay(0)).toHaveLength(2);
    expect(await trimmedDays()).toEqual([]);
  });
});

describe.each([
  ["with a bucket", {}],
  ["without a bucket", WITHOUT_BUCKET],
])("AUDIT_RETENTION_DAYS %s", (_, settings) => {
  it("deletes the events of a day that many days after its end, and records it", async () => {
    await addEvents(0, 2500);
    await addEvents(1, 2);
    vi.setSystemTime(FIRST + 3 * DAY - 1);
    await runHourly(keptFor(2, settings));
    expect(await eventsOfDay(0)).toHaveLength(2500);
    vi.setSystemTime(FIRST + 3 * DAY);
    await runHourly(keptFor(2, settings));
    expect(await eventsOfDay(0)).toEqual([]);
    expect(await eventsOfDay(1)).toHaveLength(2);
    expect(await trimmedDays()).toEqual(["2026-10-01"]);
    const [seal] = await readSeals();
    const [event, ...others] = await trimEvents();
    expect(others).toEqual([]);
    expect(event).toMatchObject({ actor_type: "system", actor_id: null });
    expect(JSON.parse(event?.metadata ?? "")).toEqual({
      day: "2026-10-01",
      count: 2500,
      digest: seal?.digest,
      archived: settings !== WITHOUT_BUCKET,
    });
  });

  it("deletes several days in one run, also days without events, and keeps their seals", async () => {
    await addEvents(0, 1);
    await addEvents(3, 1);
    vi.setSystemTime(FIRST + 6 * DAY - 1);
    await runHourly(keptFor(1, settings));
    expect(await trimmedDays()).toEqual(["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04"]);
    expect(await eventsOfDay(0)).toEqual([]);
    expect(await eventsOfDay(3)).toEqual([]);
    expect(await readSeals()).toHaveLength(5);
    expect(await trimEvents()).toHaveLength(4);
  });
});

describe("a run that trims", () => {
  it.each([
    ["D1 fails before a day is marked", () => ({ d1: at(MARK) }), 0],
    ["the answer is lost after a day is marked", () => ({ d1AnswerLost: at(MARK) }), 1],
    ["D1 fails between two rounds of deletion", () => ({ d1: atThird(DELETE) }), 1],
  ])("fails if %s, and the next one goes on", async (_, faults, marked) => {
    await addEvents(0, 1500);
    vi.setSystemTime(FIRST + 2 * DAY);
    const logs = captureLogs();
    const AUDIT_RETENTION_DAYS = "1";
    await runHourly({ ...faultyBindings(faults()), AUDIT_RETENTION_DAYS } as Cloudflare.Env);
    expect(logs.of("cron.job_failed")).toMatchObject([{ job: "trim_audit_trail" }]);
    expect(await trimmedDays()).toHaveLength(marked);
    expect((await eventsOfDay(0)).length).toBeGreaterThan(0);
    await runHourly(keptFor(1));
    expect(await eventsOfDay(0)).toEqual([]);
    expect(await trimEvents()).toHaveLength(1);
  });

  it("records each day once if two runs trim at once", async () => {
    await addEvents(0, 1500);
    await addEvents(1, 3);
    vi.setSystemTime(FIRST + 3 * DAY);
    const logs = captureLogs();
    await runHourly(beforeStatement(MARK, () => runHourly(keptFor(1)), keptFor(1)));
    expect(logs.of("cron.job_failed")).toEqual([]);
    expect(await trimmedDays()).toEqual(["2026-10-01", "2026-10-02"]);
    expect(await trimEvents()).toHaveLength(2);
  });

  it("waits for the archive", async () => {
    await addEvents(0, 2);
    vi.setSystemTime(FIRST + 2 * DAY);
    const failing = faultyBindings({ archivePut: at(/ndjson/) });
    const logs = captureLogs();
    await runHourly({ ...failing, AUDIT_RETENTION_DAYS: "1" } as Cloudflare.Env);
    expect(await eventsOfDay(0)).toHaveLength(2);
    expect(await trimmedDays()).toEqual([]);
    expect(logs.of("cron.job_failed")).toMatchObject([{ job: "archive_audit_trail" }]);
    await runHourly(keptFor(1));
    expect(await eventsOfDay(0)).toEqual([]);
    expect(await readArchived("audit/2026-10-01.ndjson.gz")).toContain(idOf(0, 2));
  });

  it.each([
    [
      "an event of the day was changed",
      "database",
      () => tamper(`UPDATE audit_events SET action = 'user.deleted' WHERE id = '${idOf(0, 1)}'`),
    ],
    [
      "an event of the day was deleted",
      "database",
      () => tamper(`DELETE FROM audit_events WHERE id = '${idOf(0, 2)}'`),
    ],
    ["an event was added to the day", "database", () => addEvents(0, 1, 50)],
    ["the archive is lost", "archive", () => env.ARCHIVE.delete("audit/2026-10-01.ndjson.gz")],
    [
      "the archive is no archive",
      "archive",
      () => env.ARCHIVE.put("audit/2026-10-01.ndjson.gz", ""),
    ],
  ])("deletes nothing if %s", async (_, place, damage) => {
    await addEvents(0, 3);
    vi.setSystemTime(FIRST + 2 * DAY);
    await runHourly();
    await damage();
    const before = await readStored();
    const logs = captureLogs();
    await runHourly(keptFor(1));
    expect(logs.of("audit.seal_mismatch")).toMatchObject([{ place, day: "2026-10-01" }]);
    expect(logs.of("cron.job_failed")).toMatchObject([
      { job: "trim_audit_trail", error: "SealMismatch" },
    ]);
    expect(await readStored()).toEqual(before);
    expect(await trimmedDays()).toEqual([]);
  });
});

describe("the triggers", () => {
  it("let events be deleted whose day is trimmed, and no others", async () => {
    for (const day of [0, 1, 2]) await addEvents(day, 3);
    vi.setSystemTime(FIRST + 2 * DAY + HOUR);
    await runHourly();
    await sqlRun("UPDATE audit_seals SET trimmed_at = 1 WHERE day = '2026-10-01'");
    // Added to the trimmed day after it was sealed.
    await addEvents(0, 1, 50);
    const remove = (id: string) => sqlRun("DELETE FROM audit_events WHERE id = ?", id);
    for (const id of [idOf(0, 50), idOf(1, 1), idOf(1, 3), idOf(2, 1)]) {
      await expect(remove(id)).rejects.toThrow("audit events are immutable");
    }
    for (const number of [1, 2, 3]) await remove(idOf(0, number));
    expect(await eventsOfDay(0)).toHaveLength(1);
  });
});

describe("audit.trimmed", () => {
  it("is in the list of events", async () => {
    await addEvents(0, 3);
    vi.setSystemTime(FIRST + 5 * DAY);
    await runHourly(keptFor(4));
    const { token } = await createTestUser("admin");
    const { body } = await send("/v1/audit-events?action=audit.trimmed", { token });
    expect(body.data).toMatchObject([
      {
        action: "audit.trimmed",
        actor_type: "system",
        target_type: "audit_event",
        target_id: null,
        metadata: { day: "2026-10-01", count: 3, archived: true },
      },
    ]);
  });
});

/** Fails at the third round trip that matches. */
function atThird(pattern: RegExp) {
  const matches = at(pattern);
  let seen = 0;
  return (sql: string) => {
    if (matches(sql)) seen += 1;
    return matches(sql) && seen === 3;
  };
}
