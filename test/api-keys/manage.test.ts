import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import {
  actionsOn,
  auditOf,
  createTestUser,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let ada: TestUser;

beforeEach(async () => {
  ada = await createTestUser("moderator");
});

const call = (method: string, path: string, { token }: { token: string }, body?: unknown) =>
  send(`/v1/api-keys${path}`, { method, token, ...(body !== undefined && { body }) });

describe("POST /v1/api-keys", () => {
  it("returns 201 with the key, Location and no-store, and records api_key.created", async () => {
    const answer = await call("POST", "", ada, { name: " Nightly ", scopes: ["users:read"] });
    expect(answer.status).toBe(201);
    const { id, key, ...rest } = answer.body;
    expect(rest).toEqual({
      name: "Nightly",
      user_id: ada.id,
      prefix: key.slice(0, 13),
      scopes: ["users:read"],
      expires_at: null,
      last_used_at: null,
      created_at: expect.stringMatching(TIMESTAMP),
      revoked_at: null,
    });
    expect(answer.headers.get("Location")).toBe(`/v1/api-keys/${id}`);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const [event, ...others] = await auditOf(id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      action: "api_key.created",
      actor_type: "user",
      actor_id: ada.id,
      target_type: "api_key",
    });
    expect(JSON.parse(event?.changes ?? "")).toMatchObject({
      user_id: { from: null, to: ada.id },
      scopes: { from: null, to: "users:read" },
    });
  });

  it("sets the expiry from a timestamp in any time zone", async () => {
    const body = { name: "x", scopes: [], expires_at: "2099-01-01T02:00:00+02:00" };
    const answer = await call("POST", "", ada, body);
    expect(answer.body.expires_at).toBe("2099-01-01T00:00:00.000Z");
  });

  it("creates a key for another user with api_keys:write, and the audit event names both", async () => {
    const admin = await createTestUser("admin");
    const body = { name: "x", scopes: ["users:read"], user_id: ada.id.toUpperCase() };
    const answer = await call("POST", "", admin, body);
    expect(answer.body).toMatchObject({ user_id: ada.id, scopes: ["users:read"] });
    const [event] = await auditOf(answer.body.id);
    expect(event?.actor_id).toBe(admin.id);
    const used = await sendWithKey(answer.body, "/v1/users/me");
    expect(used.body.id).toBe(ada.id);
  });

  it.each([
    [{}, ["name required", "scopes required"]],
    [{ name: "", scopes: [] }, ["name too_short"]],
    [{ name: "n".repeat(101), scopes: [] }, ["name too_long"]],
    [{ name: "a\u200bb", scopes: [] }, ["name invalid_characters"]],
    [{ name: "x", scopes: ["users:rule"] }, ["scopes.0 invalid_value"]],
    [{ name: "x", scopes: null }, ["scopes invalid_type"]],
    [{ name: "x", scopes: [], expires_at: "tomorrow" }, ["expires_at invalid_format"]],
    [{ name: "x", scopes: [], expires_at: "2020-01-01T00:00:00Z" }, ["expires_at not_in_future"]],
    [{ name: "x", scopes: [], user_id: "me" }, ["user_id invalid_format"]],
    [{ name: "x", scopes: [], key: "rstk_" }, ["key unknown_field"]],
    [{ name: "x", scopes: [], last_used_at: null }, ["last_used_at unknown_field"]],
  ])("returns 422 for %j", async (body, faults) => {
    const answer = await call("POST", "", ada, body);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(faults);
    expect(await sqlAll("SELECT id FROM api_keys WHERE user_id = ?", ada.id)).toEqual([]);
  });

  it("returns 404 for an unknown or deleted owner, and 403 without api_keys:write", async () => {
    const admin = await createTestUser("admin");
    const gone = await createTestUser();
    await send(`/v1/users/${gone.id}`, { method: "DELETE", token: admin.token });
    for (const user_id of [UNKNOWN_ID, gone.id]) {
      const body = { name: "x", scopes: [], user_id };
      expectProblem(await call("POST", "", admin, body), 404, "user_not_found");
      expectProblem(await call("POST", "", ada, body), 403, "forbidden");
    }
  });
});

describe("the limit of 100 live keys", () => {
  async function fill(count: number): Promise<void> {
    await sqlRun(
      `INSERT INTO api_keys (id, user_id, name, prefix, secret_hash, scopes, created_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       SELECT printf('%08d', i) || substr(?, 9), ?, 'x', 'rstk_', ? || i, '[]', 0 FROM n`,
      count,
      ada.id,
      ada.id,
      ada.id,
    );
  }
  const idOf = (number: number) => `${String(number).padStart(8, "0")}${ada.id.slice(8)}`;
  const create = () => call("POST", "", ada, { name: "x", scopes: [] });

  it("returns 409 api_key_limit for the 101st key, not counting revoked or expired keys", async () => {
    await fill(100);
    expectProblem(await create(), 409, "api_key_limit");
    await sqlRun("UPDATE api_keys SET revoked_at = 1 WHERE id = ?", idOf(1));
    expect((await create()).status).toBe(201);
    expectProblem(await create(), 409, "api_key_limit");
    await sqlRun("UPDATE api_keys SET expires_at = 1 WHERE id = ?", idOf(2));
    expect((await create()).status).toBe(201);
  });

  it("holds for concurrent requests, and refused requests leave no row", async () => {
    await fill(97);
    const answers = await Promise.all(Array.from({ length: 10 }, create));
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(3);
    for (const answer of answers) {
      if (answer.status !== 201) expectProblem(answer, 409, "api_key_limit");
    }
    const [{ events } = { events: 0 }] = await sqlAll<{ events: number }>(
      "SELECT count(*) AS events FROM audit_events WHERE action = 'api_key.created' AND actor_id = ?",
      ada.id,
    );
    expect(events).toBe(3);
  });

  it("applies per user: keys that an administrator creates for another user count for that user", async () => {
    await fill(100);
    const admin = await createTestUser("admin");
    const body = { name: "x", scopes: [], user_id: ada.id };
    expectProblem(await call("POST", "", admin, body), 409, "api_key_limit");
    expect((await call("POST", "", admin, { name: "x", scopes: [] })).status).toBe(201);
  });
});

describe("GET /v1/api-keys", () => {
  const ids = (answer: { body: { data: { id: string }[] } }) =>
    answer.body.data.map(({ id }) => id);

  it("lists the caller's keys newest first, page by page, with expired keys and, for revoked=all, revoked keys", async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i += 1) made.unshift((await createTestKey(ada, [])).id);
    await sqlRun("UPDATE api_keys SET expires_at = 1 WHERE id = ?", made[2]);
    await call("DELETE", `/${made[1]}`, ada);
    expect(ids(await call("GET", "", ada))).toEqual(made.filter((id) => id !== made[1]));
    expect(ids(await call("GET", "?revoked=false", ada))).toHaveLength(4);
    expect(ids(await call("GET", "?revoked=true", ada))).toEqual([made[1]]);
    const first = await call("GET", "?limit=3&revoked=all", ada);
    expect(ids(first)).toEqual(made.slice(0, 3));
    const { next_cursor } = first.body.pagination;
    const other = await call("GET", `?limit=3&cursor=${next_cursor}`, ada);
    expect(faultsOf(other)).toEqual(["cursor invalid_cursor"]);
    const second = await call("GET", `?limit=3&revoked=all&cursor=${next_cursor}`, ada);
    expect(ids(second)).toEqual(made.slice(3));
    expect(second.body.pagination).toEqual({ limit: 3, has_more: false, next_cursor: null });
  });

  it("lists another user's keys or all keys with api_keys:read, and returns 403 without", async () => {
    const { id } = await createTestKey(ada, []);
    const reader = await createHolder("api_keys:read");
    expect(ids(await call("GET", `?user_id=${ada.id}`, reader))).toEqual([id]);
    expect(ids(await call("GET", "?user_id=all", reader))).toContain(id);
    expect(ids(await call("GET", "", reader))).toEqual([]);
    const stranger = await createTestUser("moderator");
    for (const whose of [ada.id, UNKNOWN_ID, "all"]) {
      expectProblem(await call("GET", `?user_id=${whose}`, stranger), 403, "forbidden");
    }
    expect(ids(await call("GET", `?user_id=${ada.id}`, ada))).toEqual([id]);
  });

  it("returns 422 for a cursor of another user's list and for a malformed user_id", async () => {
    for (let i = 0; i < 2; i += 1) await createTestKey(ada, []);
    const reader = await createHolder("api_keys:read");
    const { body } = await call("GET", `?limit=1&user_id=${ada.id}`, reader);
    const { next_cursor } = body.pagination;
    const stranger = await createTestUser();
    for (const whose of ["all", stranger.id, reader.id]) {
      const other = await call("GET", `?user_id=${whose}&cursor=${next_cursor}`, reader);
      expect(faultsOf(other), whose).toEqual(["cursor invalid_cursor"]);
    }
    const revoked = await call("GET", "?revoked=maybe", reader);
    expect(faultsOf(revoked)).toEqual(["revoked invalid_value"]);
    const whose = await call("GET", "?user_id=everyone", reader);
    expect(faultsOf(whose)).toEqual(["user_id invalid_format"]);
  });
});

describe("GET /v1/api-keys/{id}", () => {
  it("returns the key to its owner and to holders of api_keys:read", async () => {
    const { id } = await createTestKey(ada, ["users:read"]);
    const own = await call("GET", `/${id}`, ada);
    expect(own.body).toMatchObject({ id, user_id: ada.id, scopes: ["users:read"] });
    const reader = await createHolder("api_keys:read");
    expect((await call("GET", `/${id}`, reader)).body).toEqual(own.body);
    expectProblem(await call("GET", `/${UNKNOWN_ID}`, reader), 404, "api_key_not_found");
  });
});

describe("another user's key", () => {
  it.each([
    ["GET", ""],
    ["PATCH", "", { name: "Mine now" }],
    ["DELETE", ""],
    ["POST", "/rotate"],
  ])("returns the same 403 to %s %s as an unknown key", async (method, end, body?) => {
    const { id } = await createTestKey(await createTestUser("admin"), []);
    const theirs = await call(method, `/${id}${end}`, ada, body);
    const nobodys = await call(method, `/${UNKNOWN_ID}${end}`, ada, body);
    expectProblem(theirs, 403, "forbidden");
    expectProblem(nobodys, 403, "forbidden");
    expect(theirs.body.detail).toBe(nobodys.body.detail);
    expect(await actionsOn(id)).toEqual(["api_key.created"]);
  });
});
