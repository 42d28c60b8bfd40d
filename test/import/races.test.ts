import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, setRole } from "../support/credentials.ts";
import { beforeStatement, wrapD1 } from "../support/d1.ts";
import {
  changesOn,
  createRoleRow,
  createTestUser,
  newEmail,
  sqlAll,
  sqlRun,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const INSERT = /^insert into "users"/;

const codesOf = ({ body }: { body: { data: { errors?: { code: string }[] }[] } }) =>
  body.data.map(({ errors = [] }) => errors.map(({ code }) => code));

describe("an import that meets another change", () => {
  it("rejects a row whose email was taken in the meantime, and records nothing of it", async () => {
    const { token } = await createTestUser("admin");
    const data = [{ email: newEmail() }, { email: newEmail() }];
    const bindings = beforeStatement(INSERT, () =>
      send("/v1/users/import", { token, body: { data: data.slice(0, 1) } }),
    );
    const answer = await send("/v1/users/import", { token, body: { data }, bindings });
    expect(codesOf(answer)).toEqual([["email_taken"], []]);
    const events = await sqlAll(
      "SELECT target_id FROM audit_events WHERE action = 'user.created' AND NOT EXISTS (SELECT 1 FROM users WHERE id = target_id)",
    );
    expect(events).toEqual([]);
  });

  it("creates nobody once the caller has lost the permission, or their session has ended", async () => {
    const caller = await createHolder("users:import", "users:create");
    const email = newEmail();
    const lost = beforeStatement(INSERT, () => setRole(caller, "user"));
    const body = { data: [{ email }] };
    const refused = await send("/v1/users/import", { token: caller.token, body, bindings: lost });
    expectProblem(refused, 403, "forbidden");
    const other = await createHolder("users:import", "users:create");
    const ended = beforeStatement(INSERT, () =>
      sqlRun("UPDATE sessions SET revoked_at = 1 WHERE user_id = ?", other.id),
    );
    const again = await send("/v1/users/import", { token: other.token, body, bindings: ended });
    expectProblem(again, 401, "unauthenticated");
    expect(await sqlAll("SELECT id FROM users WHERE email = ?", email)).toEqual([]);
  });

  it("rejects the rows whose role grew, or was deleted, in the meantime", async () => {
    const caller = await createHolder("users:import", "users:create", "roles:assign");
    await createRoleRow("growing", []);
    await createRoleRow("vanishing", []);
    const data = ["growing", "vanishing", "user"].map((role) => ({ email: newEmail(), role }));
    const bindings = beforeStatement(INSERT, async () => {
      await sqlRun(`UPDATE roles SET permissions = '["users:read"]' WHERE name = 'growing'`);
      await sqlRun("DELETE FROM roles WHERE name = 'vanishing'");
    });
    const { token } = caller;
    const answer = await send("/v1/users/import", { token, body: { data }, bindings });
    expect(codesOf(answer)).toEqual([["not_permitted"], ["unknown_role"], []]);
  });

  it("says that rows may have been created if a role keeps changing, and creates the others when it is repeated", async () => {
    const { token } = await createHolder("users:import", "users:create", "roles:assign");
    await createRoleRow("restless", []);
    const data = ["user", "restless"].map((role) => ({ email: newEmail(), role }));
    const options = { token, body: { data }, headers: { "Idempotency-Key": "restless" } };
    const bindings = changeRoleAtInserts("restless");
    const overtaken = await send("/v1/users/import", { ...options, bindings });
    expectProblem(overtaken, 409, "edit_conflict");
    expect(overtaken.body.detail).toContain("Some rows may have been created.");
    const emails = JSON.stringify(data.map(({ email }) => email));
    const sql = "SELECT role FROM users WHERE email IN (SELECT value FROM json_each(?))";
    expect(await sqlAll(sql, emails)).toEqual([{ role: "user" }]);
    const repeated = await send("/v1/users/import", options);
    expect(repeated.body).toMatchObject({ created: 2, rejected: 0 });
  });

  it("keeps what was created before D1 failed, and creates the others when it is repeated", async () => {
    const { token } = await createTestUser("admin");
    const data = Array.from({ length: 300 }, () => ({ email: newEmail(), profile: { bio: "x" } }));
    const headers = { "Idempotency-Key": '"one-call"' };
    const options = { token, body: { data }, headers };
    const failed = await send("/v1/users/import", { ...options, bindings: failAtInsert(2) });
    expectProblem(failed, 503, "service_unavailable");
    const repeated = await send("/v1/users/import", options);
    expect(repeated.body).toMatchObject({ created: 300, rejected: 0 });
    const again = await send("/v1/users/import", options);
    expect(again.body).toEqual(repeated.body);
    expect(repeated.headers.get("Idempotency-Replayed")).toBeNull();
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    const ids = repeated.body.data.map(({ id }: { id: string }) => id);
    const [counts] = await sqlAll(
      `SELECT count(DISTINCT target_id) AS users, count(*) AS events FROM audit_events
        WHERE action = 'user.created' AND target_id IN (SELECT value FROM json_each(?))`,
      JSON.stringify(ids),
    );
    expect(counts).toEqual({ users: 300, events: 300 });
  });

  it("does not bring back a user who was erased before it is repeated", async () => {
    const { token } = await createTestUser("admin");
    const body = { data: [{ email: newEmail(), profile: { bio: "x" } }] };
    const options = { token, body, headers: { "Idempotency-Key": "erased-since" } };
    const first = await send("/v1/users/import", options);
    const { id } = first.body.data[0];
    await send(`/v1/users/${id}/erase`, { token, method: "POST" });
    const repeated = await send("/v1/users/import", options);
    expect(repeated.body).toEqual(first.body);
    expect(await sqlAll("SELECT id FROM users WHERE id = ?", id)).toEqual([]);
    expect(await changesOn(id)).toEqual(["user.created", "user.erased"]);
  });

  it("rejects what exists when it is repeated without its key, with another one, or by another", async () => {
    const { token } = await createTestUser("admin");
    const other = await createTestUser("admin");
    const body = { data: [{ email: newEmail() }] };
    const withKey = (key: string) => ({ headers: { "Idempotency-Key": key } });
    await send("/v1/users/import", { token, body, ...withKey("first") });
    for (const repeated of [{}, withKey("second"), { token: other.token, ...withKey("first") }]) {
      const answer = await send("/v1/users/import", { token, body, ...repeated });
      expect(codesOf(answer)).toEqual([["email_taken"]]);
    }
    const changed = { data: [{ ...body.data[0], first_name: "Ada" }] };
    const reused = await send("/v1/users/import", { token, body: changed, ...withKey("first") });
    expectProblem(reused, 422, "idempotency_key_reused");
    const malformed = await send("/v1/users/import", { token, body, ...withKey('"a" b') });
    expect(faultsOf(malformed)).toEqual(["Idempotency-Key invalid_format"]);
  });

  it("takes every key that other operations take, quoted or not", async () => {
    const { token } = await createTestUser("admin");
    for (const [key, same] of [
      ['"with a space"', '"with a space"'],
      ['"an escaped \\" quote"', '"an escaped \\" quote"'],
      ['a"b', '"a\\"b"'],
    ] as const) {
      const options = { token, body: { data: [{ email: newEmail() }] } };
      const first = await send("/v1/users/import", {
        ...options,
        headers: { "Idempotency-Key": key },
      });
      expect(first.body, key).toMatchObject({ created: 1 });
      const headers = { "Idempotency-Key": same };
      expect((await send("/v1/users/import", { ...options, headers })).body).toEqual(first.body);
    }
  });

  it("creates each user once, of several calls at once with one key", async () => {
    const { token } = await createTestUser("admin");
    const data = Array.from({ length: 20 }, () => ({ email: newEmail() }));
    const headers = { "Idempotency-Key": "at-once" };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => send("/v1/users/import", { token, body: { data }, headers })),
    );
    for (const answer of answers) expect(answer.body).toEqual(answers[0]?.body);
    expect(answers[0]?.body.created).toBe(20);
  });
});

/** Bindings whose D1 has a role with a permission while users are inserted, and without it at any other time. */
function changeRoleAtInserts(role: string): Cloudflare.Env {
  const grant = (permissions: string) => async (sql: string) => {
    if (!INSERT.test(sql)) return;
    await sqlRun("UPDATE roles SET permissions = ? WHERE name = ?", permissions, role);
  };
  return { ...env, DB: wrapD1({ before: grant('["users:read"]'), after: grant("[]") }) };
}

/** Bindings whose D1 fails once, at the given statement that inserts users. */
function failAtInsert(number: number): Cloudflare.Env {
  let inserts = 0;
  const before = async (sql: string) => {
    if (!INSERT.test(sql)) return;
    inserts += 1;
    if (inserts === number) throw new Error("D1_ERROR: Network connection lost.");
  };
  return { ...env, DB: wrapD1({ before }) };
}
