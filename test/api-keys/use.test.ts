import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import { createTestKey, sendWithKey, type TestKey } from "../support/credentials.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { beforeNthD1 } from "../support/interleave.ts";
import { catchLogs } from "../support/logs.ts";
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

describe("the text of a key", () => {
  it("is rstk_, 64 hex digits of secret and 8 of checksum, as docs/roles-and-api-keys.md says", async () => {
    expect(key.key).toMatch(/^rstk_[0-9a-f]{72}$/);
    const [, secret = "", checksum] = /^rstk_(.{64})(.{8})$/.exec(key.key) ?? [];
    const text = new TextEncoder().encode(`roster api key checksum v1\n${secret}`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
    const hex = Array.from(digest.slice(0, 4), (byte) => byte.toString(16).padStart(2, "0"));
    expect(checksum).toBe(hex.join(""));
  });

  it("is never the same twice", async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => createTestKey(ada, [])));
    expect(new Set(keys.map((one) => one.key.slice(5, 37))).size).toBe(10);
  });

  const MISTYPED: [string, (text: string) => string][] = [
    [
      "one digit wrong",
      (text) => text.slice(0, 20) + (text[20] === "0" ? "1" : "0") + text.slice(21),
    ],
    ["its digits shifted by one", (text) => `rstk_${text.slice(6, 69)}0${text.slice(69)}`],
    ["a digit missing", (text) => text.slice(0, -1)],
    ["a digit too many", (text) => `${text}0`],
    ["upper case", (text) => text.toUpperCase()],
    ["no prefix", (text) => text.slice(5)],
    ["another prefix", (text) => `sk_${text.slice(5)}`],
    ["nothing", () => ""],
    ["64 KB", (text) => text.repeat(800)],
    ["Bearer before it", (text) => `Bearer ${text}`],
  ];

  it.each(MISTYPED)(
    "with %s is 401 for reads and writes without asking D1 or KV",
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

  it("is no access token, and a token is no key", async () => {
    expectProblem(await send("/v1/users/me", { token: key.key }), 401, "unauthenticated");
    expectProblem(await sendWithKey({ key: ada.token }, "/v1/users/me"), 401, "unauthenticated");
    const path = `/v1/users/me?api_key=${key.key}`;
    expectProblem(await send(path), 401, "unauthenticated");
  });

  it("beside another credential is 400, whichever of them is good", async () => {
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

describe("a key that ends", () => {
  it("is of use until the moment it expires, and not from then on", async () => {
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

  it("between check and write stops the write", async () => {
    const { id } = await createTestUser();
    const bindings = beforeNthD1(3, () =>
      sqlRun("UPDATE api_keys SET expires_at = 1 WHERE id = ?", key.id),
    );
    expectProblem(await write(key, id, { bindings }), 401, "unauthenticated");
  });
});

describe("last_used_at", () => {
  it("is noted at the first use, then at most once a minute", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    let calls = 0;
    const count = (call: number) => {
      calls = call;
      return false;
    };
    const bindings = faultyBindings({ d1: count });
    const callsOf = async () => {
      const before = calls;
      expect((await sendWithKey(key, "/v1/users", { bindings })).status).toBe(200);
      return calls - before;
    };
    expect(await lastUsedAt(key)).toBeNull();
    const withNote = await callsOf();
    expect(await lastUsedAt(key)).toBe(start);
    for (const later of [1, 30_000, MINUTE - 1]) {
      vi.setSystemTime(start + later);
      expect(await callsOf()).toBe(withNote - 1);
      await write(key, other.id);
      expect(await lastUsedAt(key)).toBe(start);
    }
    vi.setSystemTime(start + MINUTE);
    await sendWithKey(key, "/v1/users");
    expect(await lastUsedAt(key)).toBe(start + MINUTE);
    const { body } = await send(`/v1/api-keys/${key.id}`, { token: ada.token });
    expect(body.last_used_at).toBe(new Date(start + MINUTE).toISOString());
  });

  it("is noted once by many uses at once", async () => {
    const logs = catchLogs();
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => sendWithKey(key, "/v1/users")),
    );
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await lastUsedAt(key)).toEqual(expect.any(Number));
    expect(logs.lines().filter(({ level }) => level !== "info")).toEqual([]);
  });

  it("is never in the way: a note that fails is logged, and the answer stands", async () => {
    const logs = catchLogs();
    const bindings = faultyBindings({ d1: (call) => call === 2 });
    expect((await sendWithKey(key, "/v1/users/me", { bindings })).status).toBe(200);
    expect(logs.of("api_key.touch_failed")).toHaveLength(1);
    expect(await lastUsedAt(key)).toBeNull();
    expect(logs.text()).not.toContain(key.key);
  });

  it("is not touched by a key that is refused", async () => {
    await send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: ada.token });
    await sendWithKey(key, "/v1/users");
    expect(await lastUsedAt(key)).toBeNull();
  });
});

describe("a failing KV", () => {
  it("costs a key no correctness: it reads, writes, and stops when it is revoked", async () => {
    const broken = () => faultyBindings({ kvGet: always, kvPut: always });
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
  });

  it("that is stale lets a revoked key read its owner for at most a minute, others' data not at all", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    await sendWithKey(key, "/v1/users/me");
    const frozen = await frozenKv();
    await send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: ada.token });
    const elsewhere = () => ({ ...env, KV: frozen });
    expect((await sendWithKey(key, "/v1/users/me", { bindings: elsewhere() })).status).toBe(200);
    for (const path of ["/v1/users", `/v1/users/${ada.id}`]) {
      const answer = await sendWithKey(key, path, { bindings: elsewhere() });
      expectProblem(answer, 401, "unauthenticated");
    }
    expectProblem(await write(key, other.id, { bindings: elsewhere() }), 401, "unauthenticated");
    vi.setSystemTime(start + MINUTE);
    const late = await sendWithKey(key, "/v1/users/me", { bindings: elsewhere() });
    expectProblem(late, 401, "unauthenticated");
  });
});

async function frozenKv(): Promise<KVNamespace> {
  const { keys } = await env.KV.list();
  const values = new Map<string, unknown>();
  for (const { name } of keys) values.set(name, await env.KV.get(name, "json"));
  const get = async (name: string) => values.get(name) ?? null;
  return { get, put: async () => undefined } as unknown as KVNamespace;
}
