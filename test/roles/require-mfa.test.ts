import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  ALL_REFUSED,
  auditOf,
  createRoleRow,
  createTestUser,
  logIn,
  PASSWORD,
  sqlAll,
  sqlRun,
  statusesOf,
  type TestUser,
} from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";
import { setProofs } from "../support/step-up.ts";

let number = 0;

async function newRole(permissions: string[] = []): Promise<string> {
  number += 1;
  await createRoleRow(`strict${number}`, permissions);
  return `strict${number}`;
}

const read = async (name: string, { token }: TestUser) =>
  (await send(`/v1/roles/${name}`, { token })).body;

/** Replaces a role by what GET returns, with changes. */
async function change(name: string, by: TestUser, changes: object, more: RequestOptions = {}) {
  const body = { ...(await read(name, by)), ...changes };
  return send(`/v1/roles/${name}`, { method: "PUT", token: by.token, body, ...more });
}

/** Gives a user a second factor, which their session has proven. */
async function enableMfa(user: TestUser): Promise<void> {
  await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", user.id);
  await setProofs(user, { pwd: Date.now(), otp: Date.now() });
}

const liveSessionsOf = ({ id }: TestUser) =>
  sqlAll("SELECT id FROM sessions WHERE user_id = ? AND revoked_at IS NULL", id);

describe("a role's require_mfa", () => {
  it("is false by default, and set by POST and PUT", async () => {
    const admin = await createTestUser("admin");
    const create = (body: object) => send("/v1/roles", { token: admin.token, body });
    const plain = await create({ name: "plain", permissions: [] });
    expect(plain.body).toMatchObject({ name: "plain", require_mfa: false });
    const strict = await create({ name: "strict", permissions: [], require_mfa: true });
    expect(strict.body).toMatchObject({ name: "strict", require_mfa: true });
    expect(await read("strict", admin)).toEqual(strict.body);
    const { status, body } = await change("plain", admin, { require_mfa: true });
    expect(status).toBe(200);
    expect(body).toMatchObject({ require_mfa: true });
    expect(await read("plain", admin)).toEqual(body);
    const list = await send("/v1/roles?limit=100", { token: admin.token });
    expect(list.body.data).toContainEqual(body);
  });

  it("stays as it is if PUT does not name it", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    await change(name, admin, { require_mfa: true });
    const body = { description: "Strict.", permissions: [] };
    const options = { method: "PUT", token: admin.token, body };
    expect((await send(`/v1/roles/${name}`, options)).body).toMatchObject({ require_mfa: true });
  });

  it.each(["yes", 1, null])("that is %j is 422", async (require_mfa) => {
    const admin = await createTestUser("admin");
    const answer = await change(await newRole(), admin, { require_mfa });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "require_mfa" }] } });
  });

  it("is recorded", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    await change(name, admin, { require_mfa: true });
    const [event] = await auditOf(name);
    expect(event).toMatchObject({ action: "role.updated", actor_id: admin.id });
    expect(JSON.parse(event?.changes ?? "")).toEqual({ require_mfa: { from: false, to: true } });
  });

  it("needs every permission that the role grants", async () => {
    const admin = await createTestUser("admin");
    const holder = await createHolder("roles:write", "roles:read");
    const name = await newRole(["users:read"]);
    for (const role of [name, "moderator", "admin"]) {
      const answer = await change(role, holder, { require_mfa: true });
      expectProblem(answer, 403, "privilege_escalation");
      expect(await read(role, admin)).toMatchObject({ require_mfa: false });
    }
  });
});

describe("a system role", () => {
  it.each(["user", "moderator", "admin"])("can require a second factor: %s", async (name) => {
    const admin = await createTestUser("admin");
    await enableMfa(admin);
    const before = await read(name, admin);
    const { status, body } = await change(name, admin, { require_mfa: true });
    expect(status).toBe(200);
    expect(body).toEqual({ ...before, require_mfa: true, updated_at: body.updated_at });
    const fields = { permissions: before.permissions, require_mfa: false };
    const options = { method: "PUT", token: admin.token, body: fields };
    const undone = await send(`/v1/roles/${name}`, options);
    expect(undone.body).toEqual({ ...before, updated_at: undone.body.updated_at });
  });

  it.each([{ description: "Mine." }, { permissions: [] }])(
    "cannot be changed otherwise: %j",
    async (changes) => {
      const admin = await createTestUser("admin");
      const before = await read("moderator", admin);
      const answer = await change("moderator", admin, { ...changes, require_mfa: true });
      expectProblem(answer, 409, "system_role");
      expect(await read("moderator", admin)).toEqual(before);
    },
  );

  it("honours If-Match", async () => {
    const admin = await createTestUser("admin");
    await enableMfa(admin);
    const { headers } = await send("/v1/roles/moderator", { token: admin.token });
    const ifMatch = { headers: { "If-Match": headers.get("ETag") ?? "" } };
    expect((await change("moderator", admin, { require_mfa: true }, ifMatch)).status).toBe(200);
    const stale = await change("moderator", admin, { require_mfa: false }, ifMatch);
    expectProblem(stale, 412, "version_conflict");
    await change("moderator", admin, { require_mfa: false });
  });
});

describe("a role that starts to require a second factor", () => {
  it("ends the sessions of holders without one, at once and for good", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const holders = [await createTestUser(name), await createTestUser(name)];
    const others = [await createTestUser(name), await createTestUser()];
    await Promise.all(others.slice(0, 1).map(enableMfa));
    await change(name, admin, { require_mfa: true });
    for (const holder of holders) {
      const listed = await send(`/v1/users/${holder.id}/sessions`, { token: admin.token });
      expect(listed.body.data).toEqual([]);
      const { token } = holder;
      const seen = await send("/v1/auth/introspect", { token: admin.token, body: { token } });
      expect(seen.body).toEqual({ active: false });
      expect(await statusesOf(holder)).toEqual(ALL_REFUSED);
    }
    for (const other of others) {
      expect(await statusesOf(other)).toEqual({ write: 200, read: 200, refresh: 200 });
    }
    await change(name, admin, { require_mfa: false });
    const [holder] = holders as [TestUser, TestUser];
    expect(await statusesOf(holder)).toEqual(ALL_REFUSED);
    const reasons = await sqlAll(
      "SELECT revoked_reason FROM sessions WHERE user_id = ?",
      holder.id,
    );
    expect(reasons).toEqual([{ revoked_reason: "mfa_required" }]);
    expect(await logIn(holder.username)).toMatchObject({ token: expect.any(String) });
  });

  it("ends the session of the caller who holds it, too, who can then set up a factor", async () => {
    const admin = await createTestUser("admin");
    const other = await createTestUser("admin");
    await enableMfa(other);
    expect((await change("admin", admin, { require_mfa: true })).status).toBe(200);
    expect((await send("/v1/users/me", { token: admin.token })).status).toBe(401);
    const body = { username: admin.username, password: PASSWORD };
    const answer = await send("/v1/auth/login", { body });
    expectProblem(answer, 401, "mfa_enrollment_required");
    await change("admin", other, { require_mfa: false });
  });

  it("ends the sessions of hundreds of holders, the last ones after the response", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const first = await createTestUser(name);
    await insertHolders(name, 1100);
    const last = await createTestUser(name);
    await change(name, admin, { require_mfa: true });
    expect(await liveSessionsOf(first)).toEqual([]);
    expect(await liveSessionsOf(last)).toEqual([]);
  });

  it("ends no session if the caller loses their authority before", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const holder = await createTestUser(name);
    const bindings = beforeStatement(/^update "roles"/, () =>
      sqlRun("UPDATE users SET role = 'user' WHERE id = ?", admin.id),
    );
    const answer = await change(name, admin, { require_mfa: true }, { bindings });
    expectProblem(answer, 403, "forbidden");
    expect(await statusesOf(holder)).toEqual({ write: 200, read: 200, refresh: 200 });
  });

  it("refuses sessions that are not marked as ended yet", async () => {
    const name = await newRole();
    const holder = await createTestUser(name);
    await sqlRun("UPDATE roles SET require_mfa = 1 WHERE name = ?", name);
    expect(await liveSessionsOf(holder)).toHaveLength(1);
    expect(await statusesOf(holder)).toEqual(ALL_REFUSED);
  });

  it("refuses a write that has begun before", async () => {
    const name = await newRole();
    const holder = await createTestUser(name);
    const bindings = beforeStatement(/^update "users"/, () =>
      sqlRun("UPDATE roles SET require_mfa = 1 WHERE name = ?", name),
    );
    const body = { first_name: "Late" };
    const options = { method: "PATCH", token: holder.token, body, bindings };
    expect((await send("/v1/users/me", options)).status).toBe(401);
    const rows = await sqlAll("SELECT first_name FROM users WHERE id = ?", holder.id);
    expect(rows).toEqual([{ first_name: null }]);
  });

  it("leaves the API keys of its holders alone", async () => {
    const name = await newRole();
    const holder = await createTestUser(name);
    const key = await createTestKey(holder, ["me:read"]);
    await sqlRun("UPDATE roles SET require_mfa = 1 WHERE name = ?", name);
    expect((await sendWithKey(key, "/v1/users/me")).status).toBe(200);
  });

  it("refuses the rest even if D1 fails before it is ended", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    await insertHolders(name, 500);
    const last = await createTestUser(name);
    const bindings = createIsolate();
    let updates = 0;
    const database = {
      prepare: (query: string) => env.DB.prepare(query),
      batch: (statements: D1PreparedStatement[]) => {
        updates += 1;
        if (updates > 2) throw new Error("D1 DB is overloaded");
        return env.DB.batch(statements);
      },
    };
    const answer = await change(
      name,
      admin,
      { require_mfa: true },
      {
        bindings: { ...bindings, DB: database as unknown as D1Database },
      },
    );
    expect(answer.status).toBe(200);
    expect(await liveSessionsOf(last)).toHaveLength(1);
    expect(await statusesOf(last)).toEqual(ALL_REFUSED);
  });
});

/** Inserts active holders of a role who never logged in. */
function insertHolders(role: string, count: number) {
  return sqlRun(
    `INSERT INTO users (id, username, username_key, email, email_key, role, created_at, updated_at)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
     SELECT ?1 || i, ?1 || i, ?1 || i, ?1 || i || '@example.com', ?1 || i || '@example.com', ?1, 0, 0 FROM n`,
    role,
    count,
  );
}
