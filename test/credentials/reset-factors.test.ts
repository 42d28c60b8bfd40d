import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  ALL_REFUSED,
  actionsOn,
  auditOf,
  createTestUser,
  logIn,
  sqlAll,
  sqlRun,
  statusesOf,
  type TestUser,
} from "../support/fixtures.ts";
import { createMailbox, createMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const SUBJECT = "Your second factors were removed";

async function addFactors({ id }: { id: string }, { isConfirmed = true } = {}) {
  const columns = "id, user_id, type, name, created_at, confirmed_at, expires_at";
  await sqlRun(
    `INSERT INTO factors (${columns}) VALUES (?1 || 'a', ?1, 'totp', 'Phone', 0, iif(?2, 0, NULL), iif(?2, NULL, 0))`,
    id,
    Number(isConfirmed),
  );
  if (!isConfirmed) return;
  await sqlRun(
    "INSERT INTO factors (id, user_id, type, name, created_at, confirmed_at) VALUES (?1 || 'b', ?1, 'passkey', 'Key', 0, 0)",
    id,
  );
  await sqlRun("INSERT INTO recovery_codes VALUES (?, '[\"x\"]', 0)", id);
  await sqlRun("UPDATE users SET mfa_enabled = 1, email_verified = 1 WHERE id = ?", id);
}

const reset = (id: string, by: { token: string }, more = {}) =>
  send(`/v1/users/${id}/factors`, { method: "DELETE", token: by.token, ...more });

const left = ({ id }: { id: string }) =>
  sqlAll(
    `SELECT mfa_enabled, (SELECT count(*) FROM factors WHERE user_id = users.id) AS factors,
     (SELECT count(*) FROM recovery_codes WHERE user_id = users.id) AS codes FROM users WHERE id = ?`,
    id,
  );

const ALL = [{ mfa_enabled: 1, factors: 2, codes: 1 }];
const NONE = [{ mfa_enabled: 0, factors: 0, codes: 0 }];

describe("DELETE /v1/users/{id}/factors", () => {
  it("removes factors and recovery codes, and ends the sessions", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    const other = await createTestUser();
    await Promise.all([addFactors(user), addFactors(other)]);
    const before = await send(`/v1/users/${user.id}`, { token: admin.token });
    expect(before.body.mfa_enabled).toBe(true);
    expect((await reset(user.id, admin)).status).toBe(204);
    expect(await left(user)).toEqual(NONE);
    expect(await left(other)).toEqual(ALL);
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    const after = await send(`/v1/users/${user.id}`, { token: admin.token });
    expect(after.body.mfa_enabled).toBe(false);
    expect(after.headers.get("ETag")).not.toBe(before.headers.get("ETag"));
    expect(await logIn(user.username)).toMatchObject({ token: expect.any(String) });
  });

  it("is recorded, and the person gets an email", async () => {
    const mailbox = createMailbox();
    const admin = await createTestUser("admin");
    const user = await createMailUser(mailbox);
    await addFactors(user);
    await reset(user.id, admin, { bindings: mailbox.bindings });
    expect((await auditOf(user.id)).at(-1)).toMatchObject({
      action: "factors.reset",
      actor_id: admin.id,
      target_type: "user",
    });
    expect(mailbox.subjectsTo(user.email)).toContain(SUBJECT);
  });

  it("removes a factor that is not confirmed", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await addFactors(user, { isConfirmed: false });
    expect((await reset(user.id, admin)).status).toBe(204);
    expect(await left(user)).toEqual(NONE);
  });

  it("changes nothing for a user without factors", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    expect((await reset(user.id, admin)).status).toBe(204);
    expect(await actionsOn(user.id)).not.toContain("factors.reset");
    expect(await statusesOf(user)).toEqual({ write: 200, read: 200, refresh: 200 });
  });

  it("needs credentials:manage, and everything that the user holds", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await addFactors(user);
    await addFactors(admin);
    expectProblem(await reset(user.id, await createTestUser("moderator")), 403, "forbidden");
    expectProblem(await reset("me", await createTestUser()), 403, "forbidden");
    const manager = await createHolder("credentials:manage");
    expectProblem(await reset(admin.id, manager), 403, "privilege_escalation");
    expect(await left(admin)).toEqual(ALL);
    expect((await reset(user.id, manager)).status).toBe(204);
  });

  it("refuses API keys", async () => {
    const user = await createTestUser();
    await addFactors(user);
    const key = await createTestKey(await createTestUser("admin"), ["credentials:manage"]);
    const answer = await sendWithKey(key, `/v1/users/${user.id}/factors`, { method: "DELETE" });
    expectProblem(answer, 403, "forbidden");
    expect(await left(user)).toEqual(ALL);
  });

  it("returns 404 for unknown and deleted users, and honours If-Match", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser();
    await addFactors(user);
    const stale = { headers: { "If-Match": '"stale"' } };
    expectProblem(await reset(user.id, admin, stale), 412, "version_conflict");
    expect(await left(user)).toEqual(ALL);
    await send(`/v1/users/${user.id}`, { method: "DELETE", token: admin.token });
    for (const id of [user.id, "01a20000-0000-7000-8000-000000000000"]) {
      expectProblem(await reset(id, admin), 404, "user_not_found");
    }
  });

  it("removes nothing once the caller has lost the permission", async () => {
    const manager: TestUser = await createHolder("credentials:manage");
    const user = await createTestUser();
    await addFactors(user);
    const bindings = beforeStatement(/^update "users"/, () =>
      sqlRun("UPDATE users SET role = 'user' WHERE id = ?", manager.id),
    );
    expectProblem(await reset(user.id, manager, { bindings }), 403, "forbidden");
    expect(await left(user)).toEqual(ALL);
  });
});
