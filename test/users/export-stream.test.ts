import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { send, start } from "../support/api.ts";
import { createHolder, createTestKey, setRole, withKey } from "../support/credentials.ts";
import { wrapD1 } from "../support/d1.ts";
import { faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";

/** The statement that authorizes every page that is read after the response has begun. */
const PAGE = /^select "users"\."id", "users"\."deleted_at", "roles"\."permissions"/m;

/** Inserts numbered rows. `columns` and `values` may use `i`, the number, and `?1`, the user. */
const insertMany = (table: string, columns: string, values: string, count: number, user: string) =>
  sqlRun(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO ${table} (${columns}) SELECT ${values} FROM n WHERE ?1 IS NOT NULL`,
    user,
  );

const ID = "printf('00000000-0000-7000-8000-%012d', i";

/** Actions of inserted events. None of them is recorded otherwise in these tests. */
const ACTIONS = [
  "user.updated",
  "user.deleted",
  "user.restored",
  "user.invited",
  "user.unlocked",
  "user.role_changed",
];
const OWN_ACTION = "password.changed";

/** Inserts audit events of an actor, a target and the person whose data key sealed the origin. */
const insertEvents = (
  { id }: TestUser,
  count: number,
  digit: number,
  [actor, target, origin]: readonly string[] = ["?1", "?1", "?1"],
) =>
  insertMany(
    "audit_events",
    "id, action, actor_type, actor_id, target_id, origin_of, created_at",
    `${ID} * 10 + ${digit}), '${ACTIONS[digit - 1]}', 'user', ${actor}, ${target}, ${origin}, i`,
    count,
    id,
  );

const exportOf = (user: TestUser, bindings?: Cloudflare.Env) =>
  start("/v1/users/me/export", { token: user.token, ...(bindings && { bindings }) });

type Reader = ReadableStreamDefaultReader<Uint8Array> | undefined;

const END = "the transfer is complete";

/** The next piece of a response. Throws END at its end. */
async function readPiece(reader: Reader): Promise<string> {
  const { done, value } = (await reader?.read()) ?? { done: true };
  if (done) throw new Error(END);
  return new TextDecoder().decode(value);
}

async function readUntil(reader: Reader, words: string): Promise<string> {
  let text = "";
  while (!text.includes(words)) text += await readPiece(reader);
  return text;
}

/** A person with more than two pages of events of which they are both actor and target. */
let person: TestUser;
beforeAll(async () => {
  person = await createTestUser();
  await insertMany(
    "audit_events",
    "id, action, actor_type, actor_id, target_id, origin_of, created_at",
    `printf('00000001-0000-7000-8000-%012d', i), '${OWN_ACTION}', 'user', ?1, ?1, ?1, i`,
    1300,
    person.id,
  );
});

describe("an export larger than a page", () => {
  it("contains every row once, the oldest first, and no row of others", async () => {
    const user = await createTestUser();
    await insertEvents(user, 1100, 1);
    await insertEvents(user, 700, 2, ["'other'", "?1", "'other'"]);
    await insertEvents(user, 700, 3, ["?1", "'other'", "?1"]);
    await insertEvents(user, 1200, 4, ["'key'", "'other'", "?1"]);
    await insertEvents(user, 50, 5, ["'key'", "?1", "?1"]);
    await insertEvents(user, 900, 6, ["'other'", "'other'", "'other'"]);
    await insertMany(
      "sessions",
      "id, user_id, created_at, last_used_at, rotated_at, expires_at, ends_at",
      `${ID}), ?1, i, i, i, i, i`,
      1001,
      user.id,
    );
    await insertMany(
      "api_keys",
      "id, user_id, name, prefix, secret_hash, scopes, created_at",
      `${ID}), ?1, 'key ' || i, 'rstk_', ?1 || i, '[]', i`,
      500,
      user.id,
    );
    await insertMany(
      "mail_outbox",
      "id, user_id, kind, address, created_at, next_attempt_at",
      `${ID}), ?1, 'verify_email', i || '@example.com', i, 9e15`,
      501,
      user.id,
    );
    const { body } = await send("/v1/users/me/export", { token: user.token });
    const numbered = ({ action }: { action: string }) => ACTIONS.includes(action);
    const ids = body.audit_events.filter(numbered).map(({ id }: { id: string }) => id);
    const stored = await sqlAll<{ id: string }>(
      "SELECT id FROM audit_events WHERE action IN (SELECT value FROM json_each(?)) ORDER BY id",
      JSON.stringify(ACTIONS.slice(0, 5)),
    );
    expect(ids).toEqual(stored.map(({ id }) => id));
    expect(ids).toHaveLength(3750);
    expect(body.sessions.slice(0, 1001).map((s: any) => s.created_at)).toEqual(times(1001));
    expect(body.api_keys.map((key: any) => key.name)).toEqual(numbers(500).map((i) => `key ${i}`));
    const mails = body.mails.slice(0, 501).map((mail: any) => mail.address);
    expect(mails).toEqual(numbers(501).map((i) => `${i}@example.com`));
    expect(body.sessions.at(-1)).toMatchObject({ current: true });
  });

  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
  const times = (count: number) => numbers(count).map((i) => new Date(i).toISOString());

  it("is complete with an API key, which sends `me` for its owner", async () => {
    const owner = await createHolder("users:export");
    const key = await createTestKey(owner, ["users:export"]);
    await insertMany(
      "audit_events",
      "id, action, actor_type, target_id, created_at",
      `printf('00000002-0000-7000-8000-%012d', i), '${OWN_ACTION}', 'system', ?1, i`,
      1200,
      owner.id,
    );
    const { body } = await send("/v1/users/me/export", withKey(key));
    expect(body.audit_events.filter(({ action }: any) => action === OWN_ACTION)).toHaveLength(1200);
  });

  it("fetches the next page only when the client has taken the one before, and none after it has left", async () => {
    let pages = 0;
    const before = (sql: string) => {
      if (PAGE.test(sql)) pages += 1;
      return undefined;
    };
    const logs = captureLogs();
    const { response, settled } = await exportOf(person, { ...env, DB: wrapD1({ before }) });
    const reader = response.body?.getReader();
    await readUntil(reader, OWN_ACTION);
    for (let i = 0; i < 5; i += 1) await send("/v1/users/me", { token: person.token });
    expect(pages).toBe(0);
    await reader?.read();
    expect(pages).toBe(1);
    await reader?.cancel();
    await settled;
    for (let i = 0; i < 5; i += 1) await send("/v1/users/me", { token: person.token });
    expect(pages).toBe(1);
    expect(logs.of("stream.ended")).toMatchObject([{ outcome: "cancelled" }]);
  });

  it("unwraps the person's data key once", async () => {
    const importKey = vi.spyOn(crypto.subtle, "importKey");
    const { response } = await exportOf(person, createIsolate());
    await response.text();
    const unwrapped = importKey.mock.calls.filter(([, , algorithm]) => algorithm === "AES-GCM");
    // The other one imports DATA_KEYS.
    expect(unwrapped.length).toBeLessThanOrEqual(2);
  });
});

describe("an export that cannot be completed", () => {
  /** Exports the person. Runs an action once events have arrived, and expects the transfer to break off then. */
  async function expectBroken(
    by: TestUser,
    meanwhile: () => Promise<unknown>,
    bindings?: Cloudflare.Env,
  ) {
    const logs = captureLogs();
    const options = { token: by.token, ...(bindings && { bindings }) };
    const { response, settled } = await start(`/v1/users/${person.id}/export`, options);
    expect(response.status).toBe(200);
    const reader = response.body?.getReader();
    let text = await readUntil(reader, OWN_ACTION);
    await meanwhile();
    await expect(async () => {
      for (;;) text += await readPiece(reader);
    }).rejects.not.toThrow(END);
    await settled;
    expect(() => JSON.parse(text)).toThrow();
    expect(text.match(new RegExp(OWN_ACTION, "g"))?.length).toBeLessThan(1300);
    expect(logs.of("stream.ended")).toMatchObject([{ outcome: "aborted" }]);
    const [line, ...more] = [...logs.of("stream.refused"), ...logs.of("stream.failed")];
    expect(more).toEqual([]);
    return { line, logs };
  }

  it("breaks off if the caller's session ends meanwhile", async () => {
    const { token, ...admin } = await createTestUser("admin");
    const { line } = await expectBroken({ token, ...admin }, () =>
      send("/v1/auth/logout", { method: "POST", token }),
    );
    expect(line).toMatchObject({ level: "warn", code: "unauthenticated" });
  });

  it("breaks off if the caller loses the permission meanwhile", async () => {
    const exporter = await createHolder("users:export");
    const { line } = await expectBroken(exporter, () => setRole(exporter, "user"));
    expect(line).toMatchObject({ code: "forbidden" });
  });

  it("breaks off if the user gains permissions that the caller does not hold", async () => {
    const exporter = await createHolder("users:export");
    const { line } = await expectBroken(exporter, () => setRole(person, "admin"));
    expect(line).toMatchObject({ code: "privilege_escalation" });
    await setRole(person, "user");
  });

  it("breaks off if the user is deleted meanwhile", async () => {
    const setDeleted = (time: number | null) =>
      sqlRun("UPDATE users SET deleted_at = ? WHERE id = ?", time, person.id);
    const { line } = await expectBroken(await createTestUser("admin"), () => setDeleted(1));
    expect(line).toMatchObject({ code: "user_not_found" });
    await setDeleted(null);
  });

  it("breaks off if D1 fails, and logs no detail", async () => {
    let isDown = false;
    const bindings = faultyBindings({ d1: () => isDown, d1Message: "secret detail" });
    const fail = async () => {
      isDown = true;
    };
    const { line, logs } = await expectBroken(await createTestUser("admin"), fail, bindings);
    expect(line).toMatchObject({ level: "error", event: "stream.failed" });
    expect(logs.text()).not.toContain("secret detail");
    expect(logs.text()).not.toContain(person.email);
  });
});
