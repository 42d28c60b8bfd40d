import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { startOf } from "../../src/lib/audit-seal.ts";
import { send } from "../support/api.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
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
  runHourly,
  tamper,
} from "../support/seals.ts";
import { jwkSet, newSigningJwk } from "../support/tokens.ts";
import { publicKeysOf, readLines, verify } from "../support/verify.ts";

const WITHOUT_BUCKET = { ARCHIVE: undefined };
const SECOND_DAY = "audit/2026-10-02.ndjson.gz";

/** Seals three days: with three events, with five, and with none. */
async function sealThreeDays(settings: Record<string, string | undefined> = {}): Promise<void> {
  await addEvents(0, 3);
  await addEvents(1, 5);
  await runAt(3 * DAY + HOUR, settings);
}

async function runAt(ms: number, settings: Record<string, string | undefined> = {}) {
  vi.setSystemTime(FIRST + ms);
  await runHourly(createIsolate(settings));
}

const change = () =>
  tamper(`UPDATE audit_events SET target_id = 'another' WHERE id = '${idOf(1, 3)}'`);
const remove = (number = 3) => tamper(`DELETE FROM audit_events WHERE id = '${idOf(1, number)}'`);
const add = () => addEvents(1, 1, 9);

beforeEach(async () => {
  await clearTrail();
  vi.useFakeTimers({ toFake: ["Date"], now: FIRST });
});

describe("verify", () => {
  it("says how many days and events are as they were sealed", async () => {
    await sealThreeDays();
    expect(await verify()).toBe(
      "2026-10-01 to 2026-10-03: 3 days are as they were sealed, with 8 events.",
    );
    expect(await verify({ from: "2026-10-02", to: "2026-10-02" })).toContain("1 days are");
    expect(await verify({ hasArchive: false })).toContain("with 8 events");
  });

  it("says that nothing is sealed, or not the days that were asked for", async () => {
    expect(await verify()).toMatch(/^No day is sealed yet/);
    await sealThreeDays();
    expect(await verify({ to: "2026-10-04" })).toBe(
      "2026-10-04 is not sealed. The sealed days are 2026-10-01 to 2026-10-03.",
    );
    expect(await verify({ from: "2026-09-30" })).toMatch(/^2026-09-30 is not sealed/);
  });

  it.each([
    ["changed", change, `the event ${idOf(1, 3)} was changed`],
    [
      "changed in nothing but its time",
      () => tamper(`UPDATE audit_events SET created_at = 0 WHERE id = '${idOf(1, 2)}'`),
      `the event ${idOf(1, 2)} was changed`,
    ],
    ["missing", remove, `the event ${idOf(1, 3)} is missing`],
    ["missing at the end of the day", () => remove(5), `the event ${idOf(1, 5)} is missing`],
    ["added", add, `the event ${idOf(1, 9)} was added`],
    [
      "added at the beginning of the day",
      () => addEvents(1, 1, 0),
      `the event ${idOf(1, 0)} was added`,
    ],
  ])("names an event that is %s, with the archive", async (_, damage, finding) => {
    await sealThreeDays();
    await damage();
    expect(await verify()).toBe(`2026-10-02: in the database, ${finding}.`);
    expect(await verify({ to: "2026-10-01" })).toContain("1 days are");
  });

  it.each([
    ["changed", change, `the event ${idOf(1, 3)} was changed`],
    ["missing", remove, `an event after ${idOf(1, 2)} and before ${idOf(1, 4)} is missing`],
    ["missing at the end of the day", () => remove(5), `an event after ${idOf(1, 4)} is missing`],
    ["missing at the beginning", () => remove(1), `an event before ${idOf(1, 2)} is missing`],
    ["added", add, `the event ${idOf(1, 9)} was added`],
  ])(
    "names an event that is %s, or its neighbours, without an archive",
    async (_, damage, finding) => {
      await sealThreeDays(WITHOUT_BUCKET);
      await damage();
      expect(await verify()).toBe(`2026-10-02: in the database, ${finding}.`);
    },
  );

  it("finds an event that was changed together with its shortened digest", async () => {
    await sealThreeDays(WITHOUT_BUCKET);
    await tamper(
      `UPDATE audit_events SET action = 'user.deleted' WHERE id = '${idOf(1, 3)}'`,
      "DELETE FROM audit_seal_rows WHERE day = '2026-10-02'",
    );
    expect(await verify()).toMatch(/^2026-10-02: in the database, /);
  });

  it("names the first of several events, also on different days", async () => {
    await sealThreeDays();
    await change();
    await tamper(`DELETE FROM audit_events WHERE id = '${idOf(1, 2)}'`);
    expect(await verify()).toContain(`${idOf(1, 2)} is missing`);
    await tamper(`UPDATE audit_events SET actor_id = NULL WHERE id = '${idOf(0, 2)}'`);
    expect(await verify()).toMatch(/^2026-10-01: .* was changed/);
  });

  it("finds an event before the first day and in a day without events", async () => {
    await sealThreeDays();
    await addEvents(2, 1);
    expect(await verify()).toBe(`2026-10-03: in the database, the event ${idOf(2, 1)} was added.`);
    await addEvents(-3, 1);
    expect(await verify()).toBe(
      `The event ${idOf(-3, 1)} was added: it is before 2026-10-01, the first day.`,
    );
  });
});

describe("verify, of the seals,", () => {
  it.each([
    [
      "a digest was changed",
      "UPDATE audit_seals SET digest = 'x' WHERE day = '2026-10-02'",
      /^2026-10-03: the seal does not continue that of 2026-10-02/,
    ],
    [
      "a count was changed",
      "UPDATE audit_seals SET count = 7 WHERE day = '2026-10-02'",
      /^2026-10-02: the seal was changed: its signature/,
    ],
    [
      "a signature was changed",
      "UPDATE audit_seals SET signature = 'x.y.z' WHERE day = '2026-10-02'",
      /^2026-10-02: the seal was changed/,
    ],
    [
      "one is missing",
      "DELETE FROM audit_seals WHERE day = '2026-10-02'",
      /^2026-10-02: the seal of the day is missing/,
    ],
    [
      "the first is missing",
      "DELETE FROM audit_seals WHERE day = '2026-10-01'",
      /^2026-10-02: the seals of the days before are missing/,
    ],
    [
      "the key of the last is unknown",
      "UPDATE audit_seals SET kid = 'other' WHERE day = '2026-10-03'",
      /^2026-10-03: the seal is signed with the key other, which is not known/,
    ],
    [
      "the key of an older one was changed with its count",
      "UPDATE audit_seals SET kid = 'other', count = 4 WHERE day = '2026-10-02'",
      /^2026-10-02: the seal was changed: its events are others/,
    ],
  ])("finds that %s", async (_, statement, finding) => {
    await sealThreeDays();
    await tamper(statement);
    expect(await verify()).toMatch(finding);
  });

  it("proves older seals by the chain once their key is no longer known, and says so", async () => {
    await addEvents(0, 1);
    await runAt(DAY + HOUR);
    const rotated = jwkSet(await newSigningJwk("rotated"));
    await runAt(2 * DAY + HOUR, { SIGNING_KEYS: rotated });
    const keys = await publicKeysOf(rotated);
    expect(await verify({ keys })).toMatch(
      /1 seals until 2026-10-01 are signed with keys that are not known \(.+\)\. They are proven by the chain up to the seal of 2026-10-02\./,
    );
    await tamper("UPDATE audit_events SET action = 'user.deleted'");
    expect(await verify({ keys })).toContain("was changed");
    expect(await verify()).toContain("2026-10-02: the seal is signed with the key rotated");
  });
});

describe("verify, with an archive,", () => {
  it("reads days from it that have left the database", async () => {
    await sealThreeDays();
    await runAt(3 * DAY + 2 * HOUR, { AUDIT_RETENTION_DAYS: "1" });
    expect(await linesOfDay(1)).toEqual([]);
    expect(await verify()).toContain("3 days are as they were sealed, with 8 events.");
    expect(await verify({ hasArchive: false })).toMatch(
      /2 days \(2026-10-01 to 2026-10-02\) were trimmed .*: only their seals were checked/,
    );
  });

  it("finds an event that was added to a trimmed day", async () => {
    await sealThreeDays();
    await runAt(3 * DAY + 2 * HOUR, { AUDIT_RETENTION_DAYS: "1" });
    await add();
    expect(await verify()).toBe(`2026-10-02: in the database, the event ${idOf(1, 9)} was added.`);
  });

  it.each([
    [
      "changed",
      (lines: string[]) => lines.with(2, lines[2]?.replace("user.updated", "user.deleted") ?? ""),
      `the event ${idOf(1, 3)} was changed`,
    ],
    ["missing", (lines: string[]) => lines.toSpliced(2, 1), `the event ${idOf(1, 3)} is missing`],
    [
      "added",
      (lines: string[]) => lines.toSpliced(3, 0, `{"id":"${idOf(1, 3)}0"}`),
      `the event ${idOf(1, 3)}0 was added`,
    ],
    ["no event", (lines: string[]) => lines.with(4, "?"), "line 5 is not an event"],
  ])("names an event in it that is %s", async (_, damage, finding) => {
    await sealThreeDays();
    const lines = ((await readArchived(SECOND_DAY)) ?? "").trimEnd().split("\n");
    await putArchived(
      SECOND_DAY,
      damage(lines)
        .map((line) => `${line}\n`)
        .join(""),
    );
    expect(await verify()).toBe(`2026-10-02: in the archive, ${finding}.`);
  });

  it("finds that a day is missing in it, or is not gzipped", async () => {
    await sealThreeDays();
    await env.ARCHIVE.put(SECOND_DAY, "not gzipped");
    expect(await verify()).toBe("2026-10-02: in the archive, line 1 is not an event.");
    await env.ARCHIVE.delete(SECOND_DAY);
    expect(await verify()).toBe("2026-10-02: the archive has no events of this day.");
  });
});

describe("verify --export", () => {
  it("takes archived days, also of days that are in no other place", async () => {
    await sealThreeDays(WITHOUT_BUCKET);
    const lines = [...(await linesOfDay(0)), ...(await linesOfDay(1))];
    const exported = await readLines(lines);
    await remove();
    expect(await verify({ exported })).toBe(
      `2026-10-02: in the database, the event ${idOf(1, 3)} is missing.`,
    );
    await runAt(4 * DAY, { ...WITHOUT_BUCKET, AUDIT_RETENTION_DAYS: "3" });
    expect(await verify({ exported, to: "2026-10-01" })).toContain("with 3 events");
    const forged = await readLines(lines.with(1, lines[1]?.replace("user.", "role.") ?? ""));
    expect(await verify({ exported: forged })).toBe(
      `2026-10-01: in the export, the event ${idOf(0, 2)} was changed.`,
    );
  });

  it("takes an export of the API: names what is missing, and what differs in the export", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    const edit = { method: "PATCH", token: user.token, body: { first_name: "Ada" } };
    await send(`/v1/users/${user.id}`, edit);
    const keyed = { token: admin.token, body: { name: "Key", scopes: ["users:read"] } };
    expect((await send("/v1/api-keys", keyed)).status).toBe(201);
    const { text } = await send("/v1/audit-events?format=ndjson", { token: admin.token });
    const lines = text.trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(4);
    const day = await firstDay();
    await runAt(startOf(day) - FIRST + DAY + HOUR, WITHOUT_BUCKET);
    const [first] = lines.toReversed().map((line) => JSON.parse(line));
    expect(await verify({ exported: await readLines(lines) })).toContain("1 days are");
    const forge = async (members: object) =>
      verify({ exported: await readLines([JSON.stringify({ ...first, ...members })]) });
    for (const members of [
      { action: "user.deleted" },
      { created_at: "2026-10-21T05:00:00.000Z" },
      { metadata: { reason: "none" } },
      { changes: {} },
      { changes: { ...first.changes, role: { from: null, to: "admin" } } },
    ]) {
      expect(await forge(members)).toBe(
        `${day}: in the export, the event ${first.id} was changed.`,
      );
    }
    expect(await forge({ id: `${first.id.slice(0, -1)}x` })).toMatch(
      /in the export, the event .* was added/,
    );
    const third = JSON.parse(lines.at(-3) ?? "");
    await tamper(`DELETE FROM audit_events WHERE id = '${third.id}'`);
    expect(await verify({ exported: await readLines(lines) })).toBe(
      `${day}: in the database, the event ${third.id} is missing.`,
    );
  });

  it("refuses a file with a line that is no event", async () => {
    await expect(readLines(['{"id":"a","sealed_changes":null}', "", '{"id":'])).rejects.toThrow(
      "line 3 is not an event",
    );
  });
});

describe("a day that is half trimmed", () => {
  it("is verified by what is archived", async () => {
    await sealThreeDays();
    await sqlRun("UPDATE audit_seals SET trimmed_at = 1 WHERE day = '2026-10-01'");
    await sqlRun("DELETE FROM audit_events WHERE id = ?", idOf(0, 1));
    expect(await verify()).toContain("3 days are as they were sealed, with 8 events.");
    await tamper(`UPDATE audit_events SET actor_id = 'x' WHERE id = '${idOf(0, 2)}'`);
    expect(await verify()).toBe(
      `2026-10-01: in the database, the event ${idOf(0, 2)} was changed.`,
    );
  });
});
