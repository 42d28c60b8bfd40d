import { compactVerify, createLocalJWKSet, decodeProtectedHeader } from "jose";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { toShortDigests } from "../../src/lib/audit-seal.ts";
import { send } from "../support/api.ts";
import { expectTokenRefused } from "../support/bearer.ts";
import { afterStatement, beforeStatement } from "../support/d1.ts";
import { at, type FailsAt, faultyBindings } from "../support/faults.ts";
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
  linesOfDay,
  readSeals,
  runHourly,
} from "../support/seals.ts";
import { jwkSet, newSigningJwk, SIGNING_JWK } from "../support/tokens.ts";

const INSERT_SEAL = /^insert into "audit_seals"/;

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The digests that a third party computes from the events, as docs/run/audit.md describes it. */
async function expectedDigests(days: number): Promise<string[]> {
  const digests: string[] = [];
  for (let day = 0; day < days; day += 1) {
    const previous = digests.slice(-1);
    digests.push(await sha256([...previous, ...(await linesOfDay(day))].join("\n")));
  }
  return digests;
}

/** Fails at the second round trip that matches. */
function atSecond(pattern: RegExp): FailsAt {
  const matches = at(pattern);
  let seen = 0;
  return (sql) => {
    if (!matches(sql)) return false;
    seen += 1;
    return seen === 2;
  };
}

beforeEach(async () => {
  await clearTrail();
  vi.useFakeTimers({ toFake: ["Date"], now: FIRST + DAY + HOUR });
});

describe("the hourly job", () => {
  it("seals a day one hour after its end, and not before", async () => {
    await addEvents(0, 2);
    vi.setSystemTime(FIRST + DAY + HOUR - 1);
    await runHourly();
    expect(await readSeals()).toEqual([]);
    vi.setSystemTime(FIRST + DAY + HOUR);
    await runHourly();
    expect(await readSeals()).toMatchObject([{ day: "2026-10-01", count: 2 }]);
  });

  it("catches up, seals days without events, and chains each day to the one before", async () => {
    await addEvents(0, 3);
    await addEvents(2, 1);
    vi.setSystemTime(FIRST + 4 * DAY);
    await runHourly();
    const digests = await expectedDigests(3);
    const empty = { first_id: null, last_id: null };
    expect(await readSeals()).toMatchObject([
      {
        day: "2026-10-01",
        count: 3,
        first_id: idOf(0, 1),
        last_id: idOf(0, 3),
        digest: digests[0],
        previous_digest: null,
      },
      { day: "2026-10-02", count: 0, ...empty, digest: digests[1], previous_digest: digests[0] },
      {
        day: "2026-10-03",
        count: 1,
        first_id: idOf(2, 1),
        digest: digests[2],
        previous_digest: digests[1],
      },
    ]);
  });

  it("seals days with several pages of events", async () => {
    await addEvents(0, 2000);
    await addEvents(1, 2001);
    vi.setSystemTime(FIRST + 2 * DAY + HOUR);
    await runHourly();
    expect((await readSeals()).map(({ digest }) => digest)).toEqual(await expectedDigests(2));
    const rows = await sqlAll(
      "SELECT day, part, digests FROM audit_seal_rows WHERE day = '2026-10-02' ORDER BY part",
    );
    const lines = await linesOfDay(1);
    expect(rows).toEqual(
      await Promise.all(
        [0, 1, 2].map(async (part) => ({
          day: "2026-10-02",
          part,
          digests: await toShortDigests(lines.slice(part * 1000, (part + 1) * 1000)),
        })),
      ),
    );
  });

  it("includes an event at the first moment of a day, and not one at the first moment of the next", async () => {
    await addEvents(0, 1, 0);
    await addEvents(1, 1, 0);
    await runHourly();
    expect(await readSeals()).toMatchObject([
      { count: 1, first_id: idOf(0, 0), last_id: idOf(0, 0) },
    ]);
  });

  it("seals nothing in the hour after a restore, which puts back events", async () => {
    await addEvents(0, 1);
    const REVOKED_BEFORE = new Date(FIRST + 2 * DAY).toISOString();
    vi.setSystemTime(FIRST + 2 * DAY + HOUR - 1);
    await runHourly(createIsolate({ REVOKED_BEFORE }));
    expect(await readSeals()).toEqual([]);
    vi.setSystemTime(FIRST + 2 * DAY + HOUR);
    await runHourly(createIsolate({ REVOKED_BEFORE }));
    expect(await readSeals()).toHaveLength(2);
  });

  it("does nothing while the trail is empty", async () => {
    await runHourly();
    expect(await readSeals()).toEqual([]);
  });

  it("makes one chain if two runs seal the same days at once", async () => {
    await addEvents(0, 3);
    await addEvents(1, 1500);
    vi.setSystemTime(FIRST + 3 * DAY + HOUR);
    const logs = captureLogs();
    await runHourly(beforeStatement(INSERT_SEAL, () => runHourly()));
    expect(logs.of("cron.job_failed")).toEqual([]);
    expect((await readSeals()).map(({ digest }) => digest)).toEqual(await expectedDigests(3));
    vi.setSystemTime(FIRST + 4 * DAY + HOUR);
    await runHourly(afterStatement(INSERT_SEAL, () => runHourly()));
    expect(await readSeals()).toHaveLength(4);
  });

  it.each([
    ["while a day is read", () => ({ d1: at(/^select "action"/) })],
    ["between the pages of a day", () => ({ d1: atSecond(/^insert into "audit_seal_rows"/) })],
    ["before the seal is stored", () => ({ d1: at(INSERT_SEAL) })],
    ["after the seal is stored", () => ({ d1AnswerLost: at(INSERT_SEAL) })],
  ])("fails and goes on with the next run if D1 fails %s", async (_, faults) => {
    await addEvents(0, 1500);
    await addEvents(1, 1);
    vi.setSystemTime(FIRST + 2 * DAY + HOUR);
    const logs = captureLogs();
    await runHourly(faultyBindings(faults()));
    expect(logs.of("cron.job_failed")).toMatchObject([{ job: "seal_audit_trail" }]);
    await runHourly();
    expect((await readSeals()).map(({ digest }) => digest)).toEqual(await expectedDigests(2));
    expect(await sqlAll("SELECT part FROM audit_seal_rows")).toHaveLength(3);
  });
});

describe("GET /v1/audit-events/seals", () => {
  it("lists the seals, the newest first, signed with a key of the JWK Set", async () => {
    await addEvents(0, 2);
    const { token } = await createTestUser("admin");
    vi.setSystemTime(FIRST + 3 * DAY + HOUR);
    await runHourly();
    vi.setSystemTime(FIRST + DAY + HOUR);
    const { status, body } = await send("/v1/audit-events/seals", { token });
    expect(status).toBe(200);
    expect(body.data.map(({ day }: { day: string }) => day)).toEqual([
      "2026-10-03",
      "2026-10-02",
      "2026-10-01",
    ]);
    const { body: keys } = await send("/.well-known/jwks.json");
    for (const { signature, ...fields } of body.data) {
      const { payload, protectedHeader } = await compactVerify(signature, createLocalJWKSet(keys));
      expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(fields);
      expect(protectedHeader).toEqual({ alg: "EdDSA", kid: fields.kid, typ: "audit-seal+json" });
    }
    expect(Object.keys(body.data[0])).toEqual([
      "day",
      "count",
      "first_id",
      "last_id",
      "digest",
      "previous_digest",
      "signature",
      "kid",
    ]);
  });

  it("has signatures that are no access tokens", async () => {
    await addEvents(0, 1);
    await runHourly();
    const [seal] = await readSeals();
    await expectTokenRefused(seal?.signature ?? "");
  });

  it("shows seals of a new signing key after a rotation, chained to those of the old one", async () => {
    await addEvents(0, 1);
    await runHourly();
    vi.setSystemTime(FIRST + 2 * DAY + HOUR);
    const next = await newSigningJwk("rotated");
    await runHourly(createIsolate({ SIGNING_KEYS: jwkSet(next, SIGNING_JWK) }));
    const [old, rotated] = await readSeals();
    expect(old?.kid).toBe(SIGNING_JWK.kid);
    expect(rotated).toMatchObject({ kid: "rotated", previous_digest: old?.digest });
    expect(decodeProtectedHeader(rotated?.signature ?? "").kid).toBe("rotated");
  });
});

describe("a seal", () => {
  it.each([
    "DELETE FROM audit_seals",
    "UPDATE audit_seals SET digest = ''",
    "UPDATE audit_seals SET count = 1",
    "UPDATE audit_seals SET first_id = NULL",
    "UPDATE audit_seals SET last_id = ''",
    "UPDATE audit_seals SET previous_digest = ''",
    "UPDATE audit_seals SET signature = ''",
    "UPDATE audit_seals SET kid = ''",
    "UPDATE audit_seals SET day = '2026-09-30'",
    "UPDATE audit_seals SET sealed_at = 0",
    "UPDATE audit_seals SET archived_at = 2",
    "UPDATE audit_seals SET archived_at = NULL",
    "UPDATE audit_seals SET trimmed_at = 2",
    "UPDATE audit_seals SET trimmed_at = NULL",
    "INSERT OR REPLACE INTO audit_seals SELECT * FROM audit_seals",
    "DELETE FROM audit_seal_rows",
    "UPDATE audit_seal_rows SET digests = ''",
    "INSERT INTO audit_seal_rows SELECT day, 7, digests FROM audit_seal_rows",
    "INSERT OR REPLACE INTO audit_seal_rows SELECT * FROM audit_seal_rows",
  ])("refuses %s", async (statement) => {
    await addEvents(0, 3);
    await runHourly(createIsolate({ ARCHIVE: undefined }));
    await sqlRun("UPDATE audit_seals SET archived_at = 1, trimmed_at = 1");
    await expect(sqlRun(statement)).rejects.toThrow("audit seals are immutable");
  });
});
