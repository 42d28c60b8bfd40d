import { describe, expect, it } from "vitest";
import { type Answer, costOf, send } from "../support/api.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import {
  createTestUser,
  newAccount,
  PASSWORD,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox } from "../support/mail.ts";

/** The maximum cost of an operation: D1 round trips, rows read and written, and KV reads and writes combined. */
interface Budget {
  trips: number;
  rowsRead: number;
  rowsWritten: number;
  kv: number;
}

const READ: Budget = { trips: 1, rowsRead: 8, rowsWritten: 0, kv: 0 };
const CHANGE: Budget = { trips: 2, rowsRead: 24, rowsWritten: 5, kv: 0 };

function expectWithin(answer: Answer<unknown>, budget: Budget): void {
  expect(answer.status, answer.text).toBeLessThan(300);
  const { queries, rowsRead, rowsWritten, kvReads, kvWrites } = costOf(answer);
  const isWithin = {
    trips: queries === budget.trips || `${queries} trips`,
    rowsRead: rowsRead <= budget.rowsRead || `${rowsRead} rows read`,
    rowsWritten: rowsWritten <= budget.rowsWritten || `${rowsWritten} rows written`,
    kv: kvReads + kvWrites <= budget.kv || `${kvReads} KV reads, ${kvWrites} KV writes`,
  };
  expect(isWithin).toEqual({ trips: true, rowsRead: true, rowsWritten: true, kv: true });
}

/** An isolate with production rate limits, which no test reaches: the cost of sharing counts is part of the budget. */
const PRODUCTION_LIMITS = {
  RATE_LIMIT_AUTH: "50/60",
  RATE_LIMIT_REFRESH: "30/60",
  RATE_LIMIT_READ: "1000/3600",
  RATE_LIMIT_WRITE: "100/3600",
};
const withProductionLimits = () => createIsolate(PRODUCTION_LIMITS);

/** Inserts ended and live sessions for a user. */
async function insertSessions({ id }: TestUser, ended: number, live: number): Promise<void> {
  const now = Date.now();
  const insert = `INSERT INTO sessions (id, user_id, created_at, last_used_at, rotated_at, expires_at, ends_at, user_agent)
    SELECT printf('%s-%012d', ?1, value), ?2, ?3, ?3 + value, ?3, ?4, ?4, 'agent ' || value
    FROM json_each(?5)`;
  const numbers = (count: number) => JSON.stringify(Array.from({ length: count }, (_, i) => i));
  const old = now - 40 * 86_400_000;
  const oldId = `${old
    .toString(16)
    .padStart(12, "0")
    .replace(/^(.{8})/, "$1-")}-7000-8000`;
  const newId = `${(now - 1000)
    .toString(16)
    .padStart(12, "0")
    .replace(/^(.{8})/, "$1-")}-7000-8000`;
  await sqlRun(insert, oldId, id, old, old + 1, numbers(ended));
  await sqlRun(insert, newId, id, now - 1000, now + 86_400_000, numbers(live));
}

describe("reads of the caller's own data cost one round trip", () => {
  for (const path of [
    "/v1/users/me",
    "/v1/auth/me",
    "/v1/users/me/profile",
    "/v1/auth/sessions",
    "/v1/users/me/sessions",
  ]) {
    it(`GET ${path}`, async () => {
      const { token } = await createTestUser();
      expectWithin(await send(path, { token, bindings: withProductionLimits() }), READ);
    });
  }

  it("GET /v1/users/{id}, by an administrator", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    expectWithin(await send(`/v1/users/${id}`, { token, bindings: withProductionLimits() }), READ);
  });

  it("GET /v1/api-keys/{id}", async () => {
    const owner = await createTestUser();
    const { id } = await createTestKey(owner, []);
    expectWithin(
      await send(`/v1/api-keys/${id}`, { token: owner.token, bindings: withProductionLimits() }),
      READ,
    );
  });

  it("GET /v1/roles/{name}, also when it returns 304", async () => {
    const { token } = await createTestUser("admin");
    const bindings = withProductionLimits();
    const answer = await send("/v1/roles/admin", { token, bindings });
    expectWithin(answer, READ);
    const headers = { "If-None-Match": answer.headers.get("ETag") ?? "" };
    const again = await send("/v1/roles/admin", { token, bindings, headers });
    expect(again.status).toBe(304);
    expect(costOf(again)).toMatchObject({ queries: 1, rowsWritten: 0, kvReads: 0, kvWrites: 0 });
  });

  it("GET /v1/users/{id} with an API key, whose use is recorded after the response", async () => {
    const owner = await createTestUser("admin");
    const key = await createTestKey(owner, ["users:read"]);
    const answer = await sendWithKey(key, `/v1/users/${owner.id}`, {
      bindings: withProductionLimits(),
    });
    expectWithin(answer, { ...READ, rowsWritten: 1 });
    const again = await sendWithKey(key, "/v1/users/me", { bindings: withProductionLimits() });
    expectWithin(again, READ);
  });
});

describe("lists read little more than the rows they return", () => {
  it.each([1, 10, 100])("GET /v1/users?limit=%i", async (limit) => {
    const { token } = await createTestUser("admin");
    const rows = JSON.stringify(Array.from({ length: 150 }, () => crypto.randomUUID()));
    await sqlRun(
      `INSERT INTO users (id, username, username_key, email, email_key, role, created_at, updated_at)
       SELECT value, value, value, value, value, 'user', 1, 1 FROM json_each(?)`,
      rows,
    );
    const answer = await send(`/v1/users?limit=${limit}`, {
      token,
      bindings: withProductionLimits(),
    });
    expect(answer.body.data).toHaveLength(limit);
    expectWithin(answer, { trips: 1, rowsRead: limit + 10, rowsWritten: 0, kv: 0 });
  });

  it.each([
    ["true", null, 1],
    ["false", 1, null],
  ])(
    "GET /v1/users?deleted=%s, of 2,000 newer users who are not in the list",
    async (deleted, newer, older) => {
      const { token } = await createTestUser("admin");
      const insert = `INSERT INTO users (id, username, username_key, email, email_key, role, created_at, updated_at, deleted_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        SELECT printf('%s%012d', ?2, i), ?2 || i, ?2 || i, ?2 || i, ?2 || i, 'user', ?3 + i, 1, ?4 FROM n`;
      const future = Date.now() + 86_400_000;
      const [olderIds, newerIds] = ["00000000-0000-7000-8000-", "00000000-0000-7000-9000-"];
      await sqlRun(insert, 25, olderIds, future, older);
      await sqlRun(insert, 2000, newerIds, future + 1000, newer);
      let cursor = "";
      for (let page = 0; page < 2; page += 1) {
        const query = `/v1/users?deleted=${deleted}&limit=10${cursor}`;
        const answer = await send(query, { token, bindings: withProductionLimits() });
        const ids = answer.body.data.map(({ id }: { id: string }) => id);
        expect(ids).toHaveLength(10);
        expect(ids.filter((id: string) => !id.startsWith(olderIds))).toEqual([]);
        expectWithin(answer, { trips: 1, rowsRead: 20, rowsWritten: 0, kv: 0 });
        cursor = `&cursor=${encodeURIComponent(answer.body.pagination.next_cursor)}`;
      }
      await sqlRun("DELETE FROM users WHERE created_at > ?", Date.now() + 3_600_000);
    },
  );

  it("GET /v1/auth/sessions of a user with 2,000 ended and 40 live sessions", async () => {
    const user = await createTestUser();
    await insertSessions(user, 2000, 40);
    const answer = await send("/v1/auth/sessions?limit=10", { token: user.token });
    expect(answer.body.data).toHaveLength(10);
    expectWithin(answer, { trips: 1, rowsRead: 20, rowsWritten: 0, kv: 0 });
  });

  it.each([
    ["", false],
    ["&revoked=true", true],
    ["&user_id=all", false],
    ["&user_id=all&revoked=true", true],
    ["&revoked=all", undefined],
  ])(
    "GET /v1/api-keys?limit=10%s of 10,000 revoked and 10,000 expired keys",
    async (query, isRevoked) => {
      const user = await createTestUser("admin");
      const insert = `INSERT INTO api_keys (id, user_id, name, prefix, secret_hash, scopes, created_at, expires_at, revoked_at)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
      SELECT substr(?1, 1, 24) || printf('%012d', (i * 2 + ?4) % 20000), ?2, 'x', 'rstk_', printf('%s-%s-%d', ?1, ?4, i), '[]', 0, 1, ?3 FROM n`;
      const prefix = user.id.slice(1);
      // The newest keys are of the kind that is not asked for.
      const state = isRevoked ? [1, null] : [null, 1];
      await sqlRun(insert, `a${prefix}`, user.id, state[0], 0);
      await sqlRun(insert, `b${prefix}`, user.id, state[1], 1);
      const answer = await send(`/v1/api-keys?limit=10${query}`, { token: user.token });
      expect(answer.body.data).toHaveLength(10);
      if (isRevoked !== undefined) {
        const revoked = answer.body.data.map(
          (key: { revoked_at: unknown }) => key.revoked_at !== null,
        );
        expect(new Set(revoked)).toEqual(new Set([isRevoked]));
      }
      expectWithin(answer, { trips: 1, rowsRead: 20, rowsWritten: 0, kv: 0 });
      await sqlRun("DELETE FROM api_keys WHERE user_id = ?", user.id);
    },
  );

  it.each([1, 10, 100])("GET /v1/permissions?limit=%i", async (limit) => {
    const { token } = await createTestUser("admin");
    await sqlRun(
      `INSERT INTO custom_permissions WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
       SELECT 'invoices:v' || i, '', 0 FROM n WHERE true ON CONFLICT DO NOTHING`,
    );
    const answer = await send(`/v1/permissions?limit=${limit}`, { token });
    expect(answer.body.data).toHaveLength(limit);
    expectWithin(answer, { trips: 1, rowsRead: limit + 10, rowsWritten: 0, kv: 0 });
  });

  it.each(["/v1/roles", "/v1/api-keys"])("GET %s", async (path) => {
    const { token } = await createTestUser("admin");
    expectWithin(await send(path, { token, bindings: withProductionLimits() }), {
      trips: 1,
      rowsRead: 20,
      rowsWritten: 0,
      kv: 0,
    });
  });
});

describe("an export reads its rows in pages", () => {
  /** Inserts audit events by an actor about the user. */
  const insertEvents = (user: TestUser, count: number, actor: string) =>
    sqlRun(
      `INSERT INTO audit_events (id, action, actor_type, actor_id, target_id, origin_of, created_at)
      SELECT printf('%08d-0000-7000-8000-', value) || substr(?2, 25), 'user.updated', 'user', ?1, ?2, ?1, 1 FROM json_each(?3)`,
      actor,
      user.id,
      JSON.stringify(Array.from({ length: count }, (_, i) => i)),
    );

  /** The cost of a whole export, as logged after its last byte. */
  async function costOfExport({ id }: TestUser, { token }: TestUser) {
    const logs = captureLogs();
    const { body } = await send(`/v1/users/${id}/export`, {
      token,
      bindings: withProductionLimits(),
    });
    const { d1 } = logs.of("stream.ended").at(-1) as unknown as {
      d1: { queries: number; rows_read: number };
    };
    return {
      events: body.audit_events.length as number,
      queries: d1.queries,
      rowsRead: d1.rows_read,
    };
  }

  it("of a new user in one round trip", async () => {
    const user = await createTestUser();
    const cost = await costOfExport(user, user);
    expect(cost).toMatchObject({ events: 2, queries: 1 });
    expect(cost.rowsRead).toBeLessThanOrEqual(24);
  });

  it("of another user in one round trip, and one per list", async () => {
    const cost = await costOfExport(await createTestUser(), await createTestUser("admin"));
    expect(cost).toMatchObject({ events: 2, queries: 5 });
    expect(cost.rowsRead).toBeLessThanOrEqual(24 + 8 * 5);
  });

  it("of 2,000 events that others caused, one row each", async () => {
    const user = await createTestUser();
    await insertEvents(user, 2000, "someone else");
    const cost = await costOfExport(user, user);
    expect(cost.events).toBe(2002);
    expect(cost.queries).toBeLessThanOrEqual(4);
    expect(cost.rowsRead).toBeLessThanOrEqual(2002 + 24 + 8 * cost.queries);
  });

  it("of 2,000 events that the user caused, one row in each of two indexes", async () => {
    const user = await createTestUser();
    await insertEvents(user, 2000, user.id);
    const cost = await costOfExport(user, user);
    expect(cost.events).toBe(2002);
    expect(cost.queries).toBeLessThanOrEqual(6);
    expect(cost.rowsRead).toBeLessThanOrEqual(2 * 2002 + 24 + 8 * cost.queries);
  });

  it("and reads none of them for a caller who is refused", async () => {
    const user = await createTestUser();
    await insertEvents(user, 2000, user.id);
    const { token } = await createTestUser("moderator");
    const answer = await send(`/v1/users/${user.id}/export`, { token });
    expect(answer.status).toBe(403);
    expect(costOf(answer)).toMatchObject({ queries: 1, rowsWritten: 0 });
    expect(costOf(answer).rowsRead).toBeLessThanOrEqual(12);
  });

  it("of the user alone, whatever is stored of others", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    const before = await costOfExport(user, user);
    await insertEvents(other, 2000, other.id);
    expect(await costOfExport(user, user)).toEqual(before);
  });
});

describe("changes cost two round trips", () => {
  it.each([
    ["PATCH", "/v1/users/me", { first_name: "Ada" }],
    ["PATCH", "/v1/users/me", { username: "another_name" }],
    ["PATCH", "/v1/users/me/profile", { bio: "Counts." }],
    ["PUT", "/v1/users/me/profile", { bio: "Counts." }],
  ])("%s %s %j", async (method, path, body) => {
    const { token } = await createTestUser();
    expectWithin(
      await send(path, { method, token, body, bindings: withProductionLimits() }),
      CHANGE,
    );
  });

  it("PUT /v1/users/{id}, by an administrator", async () => {
    const { token } = await createTestUser("admin");
    const target = await createTestUser("moderator");
    const { username, email } = target;
    const body = {
      username,
      email,
      first_name: "Grace",
      last_name: null,
      role: "moderator",
      is_active: true,
    };
    const options = { method: "PUT", token, body, bindings: withProductionLimits() };
    expectWithin(await send(`/v1/users/${target.id}`, options), CHANGE);
  });
});

describe("API keys, roles and permissions cost two round trips", () => {
  const within = { trips: 2, kv: 0 };

  it("POST /v1/api-keys, with its email to the owner", async () => {
    const box = createMailbox({ ...PRODUCTION_LIMITS });
    const { id, token } = await createTestUser();
    await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", id);
    const body = { name: "x", scopes: ["me:read"] };
    const answer = await send("/v1/api-keys", { token, body, bindings: box.bindings });
    expectWithin(answer, { ...within, rowsRead: 20, rowsWritten: 13 });
  });

  it.each([
    ["PATCH", "", { name: "y" }],
    ["PATCH", "", { expires_at: "2099-01-01T00:00:00Z" }],
    ["POST", "/rotate", undefined],
    ["DELETE", "", undefined],
  ])("%s /v1/api-keys/{id}%s %j", async (method, end, body) => {
    const owner = await createTestUser();
    const { id } = await createTestKey(owner, []);
    const options = { method, token: owner.token, ...(body && { body }) };
    const bindings = withProductionLimits();
    const answer = await send(`/v1/api-keys/${id}${end}`, { ...options, bindings });
    expectWithin(answer, { ...within, rowsRead: 24, rowsWritten: 9, kv: end ? 2 : 0 });
  });

  it("POST /v1/roles, with a permission of the application", async () => {
    await sqlRun(
      "INSERT INTO custom_permissions VALUES ('budgets:own', '', 0) ON CONFLICT DO NOTHING",
    );
    await sqlRun(
      `UPDATE roles SET permissions = json_insert(permissions, '$[#]', 'budgets:own') WHERE name = 'admin'`,
    );
    const { token } = await createTestUser("admin");
    const body = { name: "budgeted", permissions: ["budgets:own", "users:read"] };
    const bindings = withProductionLimits();
    const answer = await send("/v1/roles", { token, body, bindings });
    expectWithin(answer, { ...within, rowsRead: 16, rowsWritten: 5 });
  });

  it.each([
    ["PUT", { description: "New.", permissions: ["users:read"] }],
    ["DELETE", undefined],
  ])("%s /v1/roles/{name} %j, with If-Match", async (method, body) => {
    const { token } = await createTestUser("admin");
    const name = `budgeted-${method.toLowerCase()}`;
    const created = await send("/v1/roles", { token, body: { name, permissions: [] } });
    const headers = { "If-Match": created.headers.get("ETag") ?? "" };
    const bindings = withProductionLimits();
    const options = { method, token, headers, bindings, ...(body && { body }) };
    const answer = await send(`/v1/roles/${name}`, options);
    expectWithin(answer, { ...within, rowsRead: 24, rowsWritten: 5 });
  });
});

describe("sessions and accounts", () => {
  it("POST /v1/auth/refresh", async () => {
    const { refreshToken } = await createTestUser();
    const body = { refresh_token: refreshToken };
    const answer = await send("/v1/auth/refresh", { body, bindings: withProductionLimits() });
    expectWithin(answer, { trips: 1, rowsRead: 8, rowsWritten: 3, kv: 1 });
  });

  it.each([
    [0, 0],
    [2000, 45],
  ])("POST /v1/auth/login with %i ended and %i live sessions", async (ended, live) => {
    const user = await createTestUser();
    await insertSessions(user, ended, live);
    const body = { username: user.username, password: PASSWORD };
    const answer = await send("/v1/auth/login", { body, bindings: withProductionLimits() });
    expectWithin(answer, { trips: 2, rowsRead: 24, rowsWritten: 10, kv: 1 });
  });

  it("POST /v1/auth/login from a new device, which queues a notice", async () => {
    const user = await createTestUser();
    await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", user.id);
    const answer = await send("/v1/auth/login", {
      body: { username: user.username, password: PASSWORD },
      headers: { "User-Agent": "another device" },
      bindings: withProductionLimits(),
    });
    expectWithin(answer, { trips: 2, rowsRead: 28, rowsWritten: 13, kv: 1 });
  });

  it("POST /v1/auth/password/forgot for a user with 3,600 earlier emails", async () => {
    const { id, email } = await createTestUser();
    const start = Date.now() - 30 * 86_400_000;
    await sqlRun(
      `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 3599)
       INSERT INTO mail_outbox (id, user_id, kind, address, priority, created_at, next_attempt_at, sent_at)
       SELECT printf('%s-%s-7000-8000-%012d', substr(hex, 1, 8), substr(hex, 9, 4), i), ?1, 'reset_password', ?2, 0, at, ?3, at
       FROM (SELECT i, at, printf('%012x', at) AS hex FROM (SELECT i, ?3 + i * 600000 AS at FROM n))`,
      id,
      email,
      start,
    );
    const answer = await send("/v1/auth/password/forgot", {
      body: { email },
      bindings: withProductionLimits(),
    });
    expect(answer.status).toBe(202);
    expectWithin(answer, { trips: 2, rowsRead: 200, rowsWritten: 8, kv: 0 });
  });

  it("POST /v1/auth/register", async () => {
    const answer = await send("/v1/auth/register", {
      body: newAccount(),
      bindings: withProductionLimits(),
    });
    expectWithin(answer, { trips: 1, rowsRead: 10, rowsWritten: 12, kv: 0 });
  });

  it("POST /v1/auth/logout, in an isolate that has seen the user within the last minute", async () => {
    const { token } = await createTestUser();
    const bindings = withProductionLimits();
    await send("/v1/users/me", { token, bindings });
    const answer = await send("/v1/auth/logout", { method: "POST", token, bindings });
    expectWithin(answer, { trips: 1, rowsRead: 10, rowsWritten: 5, kv: 1 });
  });

  it("POST /v1/auth/logout, in another isolate", async () => {
    const { token } = await createTestUser();
    const answer = await send("/v1/auth/logout", {
      method: "POST",
      token,
      bindings: withProductionLimits(),
    });
    expectWithin(answer, { trips: 2, rowsRead: 14, rowsWritten: 5, kv: 1 });
  });

  it("POST /v1/auth/introspect", async () => {
    const { token } = await createTestUser();
    const key = await createTestKey(await createTestUser("admin"), ["tokens:introspect"]);
    const bindings = withProductionLimits();
    const ask = () => sendWithKey(key, "/v1/auth/introspect", { body: { token }, bindings });
    await ask();
    expectWithin(await ask(), { trips: 0, rowsRead: 0, rowsWritten: 0, kv: 1 });
  });
});

describe("requests refused without I/O cost nothing", () => {
  const NO_COST = { queries: 0, rowsRead: 0, rowsWritten: 0, kvReads: 0, kvWrites: 0 };

  it("a forged access token, refresh token and API key", async () => {
    const { token, refreshToken } = await createTestUser();
    const bindings = withProductionLimits();
    const refused = [
      await send("/v1/users/me", { token: `${token.slice(0, -4)}AAAA`, bindings }),
      await send("/v1/auth/refresh", {
        body: { refresh_token: `${refreshToken.slice(0, -4)}AAAA` },
        bindings,
      }),
      await sendWithKey({ key: `rstk_${"0".repeat(72)}` }, "/v1/users/me", { bindings }),
    ];
    for (const answer of refused) {
      expect(answer.status).toBe(401);
      expect(costOf(answer)).toEqual(NO_COST);
    }
  });

  it("a caller over the limit", async () => {
    const { token } = await createTestUser();
    const bindings = createIsolate({ RATE_LIMIT_READ: "2/3600" });
    for (let i = 0; i < 3; i += 1) await send("/v1/users/me", { token, bindings });
    const answer = await send("/v1/users/me", { token, bindings });
    expect(answer.status).toBe(429);
    expect(costOf(answer)).toMatchObject({ queries: 0, rowsRead: 0, rowsWritten: 0 });
    expect(costOf(answer).kvReads + costOf(answer).kvWrites).toBeLessThanOrEqual(1);
  });
});
