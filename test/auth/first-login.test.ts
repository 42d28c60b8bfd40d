import { describe, expect, it } from "vitest";
import { newId } from "../../src/lib/ids.ts";
import { costOf, send } from "../support/api.ts";
import { beforeEachStatement, beforeStatement } from "../support/d1.ts";
import {
  allAuditOf,
  createTestUser,
  newAccount,
  PASSWORD,
  sqlAll,
  sqlRun,
} from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";

const KEY_STORED = /^update "users" set "data_key"/;

/** An account as `npm run admin` creates it if it does not know `DATA_KEYS`: without a data key. */
async function createKeylessUser() {
  const { body: model } = await send("/v1/auth/register", { body: newAccount() });
  const id = newId();
  const { username, email } = newAccount();
  await sqlRun(
    `INSERT INTO users (id, username, username_key, email, email_key, email_verified, password_hash, role, created_at, updated_at)
     SELECT ?1, ?2, ?2, ?3, ?3, 1, password_hash, 'user', created_at, updated_at FROM users WHERE id = ?4`,
    id,
    username,
    email,
    model.id,
  );
  return { id, username };
}

const logInAs = (username: string, bindings = createIsolate(), password = PASSWORD) =>
  send("/v1/auth/login", { body: { username, password }, bindings });

/** Holds every caller back until `count` of them have arrived. */
function createBarrier(count: number): () => Promise<void> {
  let arrived = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  return () => {
    arrived += 1;
    if (arrived === count) resolve();
    return promise;
  };
}

/** The audit events of a user. Fails if a sealed part of one cannot be opened. */
async function readableAuditOf(userId: string) {
  const events = await allAuditOf(userId);
  expect(events.filter((event) => "erased" in event)).toEqual([]);
  return events;
}

async function dataKeyOf(userId: string): Promise<string | null | undefined> {
  const [row] = await sqlAll<{ data_key: string | null }>(
    "SELECT data_key FROM users WHERE id = ?",
    userId,
  );
  return row?.data_key;
}

describe("an account without a data key", () => {
  it.each([2, 6])("logs in %i times in parallel: every audit event is readable", async (count) => {
    const { id, username } = await createKeylessUser();
    const barrier = createBarrier(count);
    const answers = await Promise.all(
      Array.from({ length: count }, () =>
        logInAs(username, beforeEachStatement(KEY_STORED, barrier, createIsolate())),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(count).fill(200));
    const events = await readableAuditOf(id);
    expect(events).toHaveLength(count);
    for (const event of events) {
      expect(event).toMatchObject({ action: "auth.login_succeeded", ip: "203.0.113.7" });
    }
  });

  it("keeps the from and to of changes that others make to it before its first login", async () => {
    const { id, username } = await createKeylessUser();
    const { token } = await createTestUser("admin");
    const change = { method: "PATCH", token };
    const renamed = await send(`/v1/users/${id}`, { ...change, body: { first_name: "Ada" } });
    expect(renamed.status).toBe(200);
    const edited = await send(`/v1/users/${id}/profile`, { ...change, body: { bio: "Counts." } });
    expect(edited.status).toBe(200);
    const keyBefore = await dataKeyOf(id);
    expect((await logInAs(username)).status).toBe(200);
    expect(await dataKeyOf(id)).toBe(keyBefore);
    const [first, second] = await readableAuditOf(id);
    expect(JSON.parse(first?.changes ?? "")).toEqual({ first_name: { from: null, to: "Ada" } });
    expect(JSON.parse(second?.changes ?? "")).toEqual({
      "profile.bio": { from: null, to: "Counts." },
    });
  });

  it("is changed while it logs in: both events are readable", async () => {
    const { id, username } = await createKeylessUser();
    const { token } = await createTestUser("admin");
    const bindings = beforeStatement(KEY_STORED, async () => {
      const body = { first_name: "Ada" };
      expect((await send(`/v1/users/${id}`, { method: "PATCH", token, body })).status).toBe(200);
    });
    expect((await logInAs(username, bindings)).status).toBe(200);
    const events = await readableAuditOf(id);
    const ada = JSON.stringify({ first_name: { from: null, to: "Ada" } });
    expect(events).toHaveLength(2);
    expect(events).toContainEqual(expect.objectContaining({ changes: ada }));
    const login = { action: "auth.login_succeeded", ip: "203.0.113.7" };
    expect(events).toContainEqual(expect.objectContaining(login));
  });

  it("keeps where a failed login came from", async () => {
    const { id, username } = await createKeylessUser();
    expect((await logInAs(username, createIsolate(), "a wrong guess")).status).toBe(401);
    expect((await logInAs(username)).status).toBe(200);
    const [failure] = await readableAuditOf(id);
    expect(failure).toMatchObject({ action: "auth.login_failed", ip: "203.0.113.7" });
  });

  it("costs one more round trip, once", async () => {
    const { username } = await createKeylessUser();
    const first = costOf(await logInAs(username));
    const second = costOf(await logInAs(username));
    expect(first.queries).toBe(second.queries + 1);
  });
});
