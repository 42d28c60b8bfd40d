import { describe, expect, it } from "vitest";
import { insertPeople } from "../lists/people.ts";
import { send } from "../support/api.ts";
import { expectWithin, insertSessions, withProductionLimits } from "../support/budgets.ts";
import { createRoleRow, createTestUser, sqlRun } from "../support/fixtures.ts";

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

  it("GET /v1/users, filtered or in another order, of users of every kind", async () => {
    const { token } = await createTestUser("admin");
    await createRoleRow("support", []);
    await insertPeople(400, "every");
    for (const query of ["sort=username", "sort=-last_login_at", "mfa_enabled=false"]) {
      const bindings = withProductionLimits();
      const answer = await send(`/v1/users?limit=10&${query}`, { token, bindings });
      expect(answer.body.data).toHaveLength(10);
      expectWithin(answer, { trips: 1, rowsRead: 10 + 21, rowsWritten: 0, kv: 0 });
    }
    await sqlRun("DELETE FROM users WHERE role = 'support' OR username_key LIKE 'every%'");
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
