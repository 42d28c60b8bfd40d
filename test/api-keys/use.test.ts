import { beforeEach, describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestKey, sendWithKey, type TestKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { always, at, faultyBindings } from "../support/faults.ts";
import { changesOn, createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createIsolate, createStaleKv } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

let ada: TestUser;
let other: TestUser;
let key: TestKey;

beforeEach(async () => {
  ada = await createTestUser("moderator");
  other = await createTestUser();
  key = await createTestKey(ada, ["users:read", "users:update"]);
});

async function lastUsedAt({ id }: { id: string }): Promise<number | null | undefined> {
  const [row] = await sqlAll<{ last_used_at: number | null }>(
    "SELECT last_used_at FROM api_keys WHERE id = ?",
    id,
  );
  return row?.last_used_at;
}

const write = (secret: { key: string }, userId: string, more = {}) =>
  sendWithKey(secret, `/v1/users/${userId}`, {
    method: "PATCH",
    body: { first_name: "Ada" },
    ...more,
  });

describe("the format of a key", () => {
  it("is rstk_, 64 hex digits of secret and 8 of checksum, as documented in docs/use/roles.md", async () => {
    expect(key.key).toMatch(/^rstk_[0-9a-f]{72}$/);
    const [, secret = "", checksum] = /^rstk_(.{64})(.{8})$/.exec(key.key) ?? [];
    const text = new TextEncoder().encode(`roster api key checksum v1\n${secret}`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
    const hex = Array.from(digest.slice(0, 4), (byte) => byte.toString(16).padStart(2, "0"));
    expect(checksum).toBe(hex.join(""));
  });

  it("is unique", async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => createTestKey(ada, [])));
    expect(new Set(keys.map((one) => one.key.slice(5, 37))).size).toBe(10);
  });

  const MISTYPED: [string, (text: string) => string][] = [
    [
      "one wrong digit",
      (text) => text.slice(0, 20) + (text[20] === "0" ? "1" : "0") + text.slice(21),
    ],
    ["its digits shifted by one position", (text) => `rstk_${text.slice(6, 69)}0${text.slice(69)}`],
    ["a missing digit", (text) => text.slice(0, -1)],
    ["an extra digit", (text) => `${text}0`],
    ["upper case", (text) => text.toUpperCase()],
    ["no prefix", (text) => text.slice(5)],
    ["another prefix", (text) => `sk_${text.slice(5)}`],
    ["nothing", () => ""],
    ["64 KB", (text) => text.repeat(800)],
    ["Bearer before it", (text) => `Bearer ${text}`],
  ];

  it.each(MISTYPED)(
    "with %s returns 401 for reads and writes without D1 or KV access",
    async (_, mistype) => {
      const mistyped = { key: mistype(key.key) };
      for (const answer of [
        await sendWithKey(mistyped, "/v1/users/me"),
        await sendWithKey(mistyped, "/v1/users"),
        await write(mistyped, other.id),
      ]) {
        expectProblem(answer, 401, "unauthenticated");
        expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 0, kvWrites: 0 });
      }
    },
  );

  it("is not accepted as an access token or a query parameter, and an access token is not accepted as a key", async () => {
    expectProblem(await send("/v1/users/me", { token: key.key }), 401, "unauthenticated");
    expectProblem(await sendWithKey({ key: ada.token }, "/v1/users/me"), 401, "unauthenticated");
    const path = `/v1/users/me?api_key=${key.key}`;
    expectProblem(await send(path), 401, "unauthenticated");
  });

  it("together with an access token returns 400, whichever is valid", async () => {
    for (const [token, text] of [
      [ada.token, key.key],
      ["x", key.key],
      [ada.token, "x"],
      [ada.token, ""],
    ] as const) {
      const answer = await sendWithKey({ key: text }, "/v1/users/me", { token });
      expectProblem(answer, 400, "conflicting_credentials");
    }
  });
});

describe("a key that expires", () => {
  it("works until the millisecond before it expires, and not after", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const expires_at = new Date(start + 10 * MINUTE).toISOString();
    const short = await createTestKey(ada, ["users:read", "users:update"], { expires_at });
    vi.setSystemTime(start + 10 * MINUTE - 1);
    expect((await sendWithKey(short, "/v1/users")).status).toBe(200);
    expect((await write(short, other.id)).status).toBe(200);
    vi.setSystemTime(start + 10 * MINUTE);
    expectProblem(await sendWithKey(short, "/v1/users"), 401, "unauthenticated");
    expectProblem(await write(short, other.id), 401, "unauthenticated");
    vi.setSystemTime(start + 11 * MINUTE);
    expectProblem(await sendWithKey(short, "/v1/users/me"), 401, "unauthenticated");
  });

  it("between read and write changes nothing", async () => {
    const { id } = await createTestUser();
    const bindings = beforeStatement(/^update "users"/, () =>
      sqlRun("UPDATE api_keys SET expires_at = 1 WHERE id = ?", key.id),
    );
    expectProblem(await write(key, id, { bindings }), 401, "unauthenticated");
    expect(await changesOn(id)).toEqual(["user.created"]);
  });
});

describe("last_used_at", () => {
  it("is written at the first use, then at most once per minute", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    let trips = 0;
    const count = (sql: string) => {
      // Counts for /metrics are written by whatever request comes 30 seconds later.
      if (!/^insert into "metric_writers"/.test(sql)) trips += 1;
      return false;
    };
    const bindings = faultyBindings({ d1: count });
    const tripsOfUse = async () => {
      const before = trips;
      expect((await sendWithKey(key, "/v1/users", { bindings })).status).toBe(200);
      return trips - before;
    };
    expect(await lastUsedAt(key)).toBeNull();
    expect(await tripsOfUse()).toBe(2);
    expect(await lastUsedAt(key)).toBe(start);
    for (const later of [1, 30_000, MINUTE - 1]) {
      vi.setSystemTime(start + later);
      expect(await tripsOfUse()).toBe(1);
      await write(key, other.id);
      expect(await lastUsedAt(key)).toBe(start);
    }
    vi.setSystemTime(start + MINUTE);
    await sendWithKey(key, "/v1/users");
    expect(await lastUsedAt(key)).toBe(start + MINUTE);
    const { body } = await send(`/v1/api-keys/${key.id}`, { token: ada.token });
    expect(body.last_used_at).toBe(new Date(start + MINUTE).toISOString());
  });

  it("is not set back by a request that began earlier", async () => {
    const { start, pass } = stopClock();
    const later = async () => {
      pass(30_000);
      expect((await sendWithKey(key, "/v1/users")).status).toBe(200);
    };
    const bindings = beforeStatement(/^update "api_keys" set "last_used_at"/, later);
    expect((await sendWithKey(key, "/v1/users", { bindings })).status).toBe(200);
    expect(await lastUsedAt(key)).toBe(start + 30_000);
  });

  it("is written by concurrent uses without an error", async () => {
    const logs = captureLogs();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => sendWithKey(key, "/v1/users")),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await lastUsedAt(key)).toEqual(expect.any(Number));
    expect(logs.lines().filter(({ level }) => level !== "info")).toEqual([]);
  });

  it("is logged but does not fail the request if it cannot be written", async () => {
    const logs = captureLogs();
    const bindings = faultyBindings({ d1: at(/^update "api_keys"/) });
    expect((await sendWithKey(key, "/v1/users/me", { bindings })).status).toBe(200);
    expect(logs.of("api_key.touch_failed")).toHaveLength(1);
    expect(await lastUsedAt(key)).toBeNull();
    expect(logs.text()).not.toContain(key.key);
  });

  it("is not written when the key is refused", async () => {
    await send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: ada.token });
    await sendWithKey(key, "/v1/users");
    expect(await lastUsedAt(key)).toBeNull();
  });
});

describe("a revoked key", () => {
  it("is refused immediately in an isolate that has just used it, including for reads of its owner", async () => {
    const elsewhere = { ...createIsolate(), KV: createStaleKv(100) };
    const paths = ["/v1/users/me", "/v1/users", `/v1/users/${ada.id}`];
    for (const path of paths) {
      expect((await sendWithKey(key, path, { bindings: elsewhere })).status).toBe(200);
    }
    await send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: ada.token });
    for (const path of paths) {
      const answer = await sendWithKey(key, path, { bindings: elsewhere });
      expectProblem(answer, 401, "unauthenticated");
    }
    expectProblem(await write(key, other.id, { bindings: elsewhere }), 401, "unauthenticated");
  });
});

describe("a failing KV", () => {
  it("does not affect a key: it reads, writes and stops working when revoked", async () => {
    const logs = captureLogs();
    // Limits so low that every request is counted in KV.
    const broken = () => ({
      ...faultyBindings({ kvGet: always, kvPut: always }),
      RATE_LIMIT_READ: "5/60",
      RATE_LIMIT_WRITE: "5/60",
    });
    expect((await sendWithKey(key, "/v1/users/me", { bindings: broken() })).status).toBe(200);
    expect((await write(key, other.id, { bindings: broken() })).status).toBe(200);
    const revocation = await send(`/v1/api-keys/${key.id}`, {
      method: "DELETE",
      token: ada.token,
      bindings: broken(),
    });
    expect(revocation.status).toBe(204);
    for (const path of ["/v1/users/me", "/v1/users"]) {
      const answer = await sendWithKey(key, path, { bindings: broken() });
      expectProblem(answer, 401, "unauthenticated");
    }
    expectProblem(await write(key, other.id, { bindings: broken() }), 401, "unauthenticated");
    // One per request, and one more for the address of each request with the revoked key.
    expect(logs.of("rate_limit.write_failed")).toHaveLength(9);
  });
});
