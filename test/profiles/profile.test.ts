import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { at, faultyBindings } from "../support/faults.ts";
import {
  auditOf,
  changesOn,
  createRoleRow,
  createTestUser,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

const EMPTY = {
  display_name: null,
  bio: null,
  avatar_url: null,
  phone: null,
  locale: null,
  timezone: null,
  metadata: {},
};

const FULL = {
  display_name: "Ada",
  bio: "Analyst.\nFirst of her kind.",
  avatar_url: "https://images.example/ada.png",
  phone: "+441234567890",
  locale: "en-GB",
  timezone: "Europe/London",
  metadata: { theme: "dark", limits: { daily: 3 }, tags: ["a", "b"] },
};

interface Options {
  headers?: Record<string, string>;
  bindings?: Cloudflare.Env;
}

const get = ({ token }: Partial<TestUser>, id = "me", options: Options = {}) =>
  send(`/v1/users/${id}/profile`, { ...options, ...(token && { token }) });

const write =
  (method: string) =>
  ({ token }: Partial<TestUser>, body: unknown, id = "me", options: Options = {}) =>
    send(`/v1/users/${id}/profile`, { method, body, ...options, ...(token && { token }) });
const put = write("PUT");
const patch = write("PATCH");

const tagOf = ({ id }: { id: string }, version: number) => `"${version}-${id.slice(-12)}"`;
/** The statement that writes a profile. */
const WRITE = /^insert into "profiles"/;

const ifMatch = (tag: string) => ({ headers: { "If-Match": tag } });

describe("GET /v1/users/{id}/profile", () => {
  it("returns 200 with an empty profile at version 0 until it is first written", async () => {
    const user = await createTestUser();
    const answer = await get(user);
    expect([answer.status, answer.body]).toEqual([200, EMPTY]);
    expect(answer.headers.get("ETag")).toBe(tagOf(user, 0));
    expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
    expect(await sqlAll("SELECT * FROM profiles WHERE user_id = ?", user.id)).toEqual([]);
  });

  it("returns 304 without a body if If-None-Match matches the version", async () => {
    const user = await createTestUser();
    await put(user, FULL);
    const tag = (await get(user)).headers.get("ETag") ?? "";
    const same = await get(user, "me", { headers: { "If-None-Match": tag } });
    expect([same.status, same.text, same.headers.get("ETag")]).toEqual([304, "", tag]);
    const other = await get(user, "me", { headers: { "If-None-Match": tagOf(user, 0) } });
    expect(other.status).toBe(200);
  });

  it("for another user requires users:read", async () => {
    const user = await createTestUser();
    await put(user, FULL);
    const moderator = await createTestUser("moderator");
    expect((await get(moderator, user.id)).body).toEqual(FULL);
    const stranger = await createTestUser();
    expectProblem(await get(stranger, user.id), 403, "forbidden");
    expectProblem(await get(stranger, UNKNOWN_ID), 403, "forbidden");
    expectProblem(await get(moderator, UNKNOWN_ID), 404, "user_not_found");
    expectProblem(await get({}), 401, "unauthenticated");
    expect(faultsOf(await get(moderator, "42"))).toEqual(["id invalid_format"]);
  });

  it("returns 404 for a deleted user", async () => {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    await send(`/v1/users/${user.id}`, { method: "DELETE", token: admin.token });
    expectProblem(await get(admin, user.id), 404, "user_not_found");
    expectProblem(await put(admin, FULL, user.id), 404, "user_not_found");
  });
});

describe("PUT /v1/users/{id}/profile", () => {
  it("returns 200 with the profile and clears omitted fields", async () => {
    const user = await createTestUser();
    const first = await put(user, FULL);
    expect([first.status, first.body]).toEqual([200, FULL]);
    expect(first.headers.get("ETag")).toBe(tagOf(user, 1));
    const second = await put(user, { bio: "Only this" });
    expect(second.body).toEqual({ ...EMPTY, bio: "Only this" });
    expect(second.headers.get("ETag")).toBe(tagOf(user, 2));
    expect((await get(user)).body).toEqual({ ...EMPTY, bio: "Only this" });
    expect((await put(user, {})).body).toEqual(EMPTY);
  });

  it("with unchanged values keeps the version and records nothing", async () => {
    const user = await createTestUser();
    await put(user, FULL);
    const before = await changesOn(user.id);
    const again = await put(user, FULL);
    expect([again.status, again.headers.get("ETag")]).toEqual([200, tagOf(user, 1)]);
    expect(await changesOn(user.id)).toEqual(before);
  });
});

describe("PATCH /v1/users/{id}/profile", () => {
  it("changes the given fields, clears nulls and keeps the rest", async () => {
    const user = await createTestUser();
    await put(user, FULL);
    const answer = await patch(user, { bio: null, locale: "de-CH" });
    expect(answer.body).toEqual({ ...FULL, bio: null, locale: "de-CH" });
    expect((await patch(user, { display_name: "" })).body.display_name).toBeNull();
  });

  it("merges metadata key by key (RFC 7396)", async () => {
    const user = await createTestUser();
    const merged = async (metadata: unknown) => (await patch(user, { metadata })).body.metadata;
    expect(await merged({ a: { b: 1, c: null }, d: [1] })).toEqual({ a: { b: 1 }, d: [1] });
    expect(await merged({ a: { e: 2 } })).toEqual({ a: { b: 1, e: 2 }, d: [1] });
    expect(await merged({ a: { b: null }, d: [2, null] })).toEqual({ a: { e: 2 }, d: [2, null] });
    expect(await merged({ a: "text" })).toEqual({ a: "text", d: [2, null] });
    expect(await merged(null)).toEqual({});
  });

  it("without fields returns the profile unchanged", async () => {
    const user = await createTestUser();
    const answer = await patch(user, {});
    expect([answer.status, answer.body, answer.headers.get("ETag")]).toEqual([
      200,
      EMPTY,
      tagOf(user, 0),
    ]);
    expect(await changesOn(user.id)).toEqual(["user.created"]);
  });

  it("returns 412 for a stale If-Match and changes nothing, and 200 for the current one and *", async () => {
    const user = await createTestUser();
    await put(user, FULL);
    const stale = await patch(user, { bio: "x" }, "me", ifMatch(tagOf(user, 0)));
    expectProblem(stale, 412, "version_conflict");
    expectProblem(
      await put(user, {}, "me", ifMatch(`W/${tagOf(user, 1)}`)),
      412,
      "version_conflict",
    );
    expect((await get(user)).body).toEqual(FULL);
    expect((await patch(user, { bio: "y" }, "me", ifMatch(tagOf(user, 1)))).status).toBe(200);
    expect((await patch(user, { bio: "z" }, "me", ifMatch("*"))).status).toBe(200);
  });

  it("persists 10 concurrent edits of different keys", async () => {
    const user = await createTestUser();
    const keys = Array.from({ length: 10 }, (_, i) => `key${i}`);
    const answers = await Promise.all(
      keys.map((key) => patch(user, { metadata: { [key]: true } })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const { body, headers } = await get(user);
    expect(Object.keys(body.metadata).sort()).toEqual(keys);
    expect(headers.get("ETag")).toBe(tagOf(user, 10));
    expect((await changesOn(user.id)).filter((a) => a === "user.updated")).toHaveLength(10);
  });

  it("sent twice concurrently with one ETag returns one 200 and one 412, even for the first version", async () => {
    const user = await createTestUser();
    for (const tag of [tagOf(user, 0), tagOf(user, 1)]) {
      const answers = await Promise.all(
        ["a", "b"].map((bio) => patch(user, { bio: bio + tag }, "me", ifMatch(tag))),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    }
  });

  it("for another user requires users:update and every permission that the user holds", async () => {
    const user = await createTestUser();
    const moderator = await createTestUser("moderator");
    expect((await patch(moderator, { bio: "m" }, user.id)).status).toBe(200);
    const admin = await createTestUser("admin");
    expectProblem(await patch(moderator, { bio: "m" }, admin.id), 403, "privilege_escalation");
    await createRoleRow("reader", ["users:read"]);
    expectProblem(await patch(await createTestUser("reader"), {}, user.id), 403, "forbidden");
    expectProblem(await patch({}, {}), 401, "unauthenticated");
    expectProblem(await patch(moderator, { bio: "m" }, UNKNOWN_ID), 404, "user_not_found");
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(event).toMatchObject({ action: "user.updated", actor_id: moderator.id });
  });

  it("authorizes again when writing: 403 if the user has been promoted, 404 if deleted or erased", async () => {
    const moderator = await createTestUser("moderator");
    const user = await createTestUser();
    const edit = (action: () => Promise<unknown>) =>
      patch(moderator, { bio: "late" }, user.id, { bindings: beforeStatement(WRITE, action) });
    const admin = await createTestUser("admin");
    const end = (path: string, method: string) => () =>
      send(`/v1/users/${user.id}${path}`, { method, token: admin.token });
    const promote = () => sqlRun("UPDATE users SET role = 'admin' WHERE id = ?", user.id);
    expectProblem(await edit(promote), 403, "privilege_escalation");
    await sqlRun("UPDATE users SET role = 'user' WHERE id = ?", user.id);
    expectProblem(await edit(end("", "DELETE")), 404, "user_not_found");
    await end("/restore", "POST")();
    expectProblem(await edit(end("/erase", "POST")), 404, "user_not_found");
    expect(await sqlAll("SELECT * FROM profiles WHERE user_id = ?", user.id)).toEqual([]);
  });

  it("with an API key requires users:update, even for its owner's profile", async () => {
    const owner = await createHolder("users:update", "users:read");
    const path = "/v1/users/me/profile";
    const edit = { method: "PATCH", body: { bio: "key" } };
    const reader = await createTestKey(owner, ["users:read"]);
    expect((await sendWithKey(reader, path)).status).toBe(200);
    expectProblem(await sendWithKey(reader, path, edit), 403, "forbidden");
    const both = await createTestKey(owner, ["users:read", "users:update"]);
    expect((await sendWithKey(both, path, edit)).status).toBe(200);
  });

  it.each([
    ["reads the caller and the profile", /from "sessions"[\s\S]+ left join "profiles"/],
    ["writes", WRITE],
  ])("changes nothing if D1 fails when it %s", async (_, statement) => {
    const user = await createTestUser();
    const failed = await patch(user, { bio: "x" }, "me", {
      bindings: faultyBindings({ d1: at(statement) }),
    });
    expectProblem(failed, 503, "service_unavailable");
    expect((await get(user)).body).toEqual(EMPTY);
    expect(await changesOn(user.id)).toEqual(["user.created"]);
  });

  it("records the changed values sealed: the row itself contains only the field names", async () => {
    const user = await createTestUser();
    await put(user, FULL);
    await patch(user, { bio: null });
    const [created, cleared] = (await auditOf(user.id)).slice(-2);
    expect(JSON.parse(created?.changes ?? "")).toMatchObject({
      "profile.display_name": { from: null, to: "Ada" },
      "profile.metadata": { from: "{}", to: JSON.stringify(FULL.metadata) },
    });
    expect(JSON.parse(cleared?.changes ?? "")).toEqual({
      "profile.bio": { from: FULL.bio, to: null },
    });
    const rows = await sqlAll("SELECT * FROM audit_events WHERE target_id = ?", user.id);
    expect(JSON.stringify(rows)).not.toMatch(/Analyst|Ada|London|dark/);
  });
});
