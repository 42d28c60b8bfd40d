import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, setRole } from "../support/credentials.ts";
import { beforeStatement, wrapD1 } from "../support/d1.ts";
import { createRoleRow, createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const INSERT = /^insert into "users"/;

const codesOf = ({ body }: { body: { data: { errors?: { code: string }[] }[] } }) =>
  body.data.map(({ errors = [] }) => errors.map(({ code }) => code));

let counter = 0;
const newEmail = () => {
  counter += 1;
  return `raced${counter}@example.com`;
};

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

  it("keeps what was created before D1 failed, so that the call can be repeated", async () => {
    const { token } = await createTestUser("admin");
    const data = Array.from({ length: 300 }, () => ({ email: newEmail() }));
    let inserts = 0;
    const before = async (sql: string) => {
      if (!INSERT.test(sql)) return;
      inserts += 1;
      if (inserts === 2) throw new Error("D1_ERROR: Network connection lost.");
    };
    const bindings = { ...env, DB: wrapD1({ before }) };
    const failed = await send("/v1/users/import", { token, body: { data }, bindings });
    expectProblem(failed, 503, "service_unavailable");
    const repeated = await send("/v1/users/import", { token, body: { data } });
    expect(repeated.body).toMatchObject({ created: 50, rejected: 250 });
    expect(codesOf(repeated).slice(0, 250)).toEqual(Array(250).fill(["email_taken"]));
  });
});
