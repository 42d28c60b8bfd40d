import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey, sendWithKey, withKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { at, faultyBindings } from "../support/faults.ts";
import {
  ALL_REFUSED,
  changesOn,
  createRoleRow,
  createTestUser,
  logIn,
  PASSWORD,
  sqlAll,
  sqlRun,
  statusesOf,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

/** The statement that erases a user and authorizes again. */
const DELETE = /^delete from "users"/;

const erase = (id: string, token?: string, bindings?: Cloudflare.Env) =>
  send(`/v1/users/${id}/erase`, {
    method: "POST",
    ...(token && { token }),
    ...(bindings && { bindings }),
  });

const remove = (id: string, token: string) => send(`/v1/users/${id}`, { method: "DELETE", token });

const rowsOf = (id: string) => sqlAll("SELECT id FROM users WHERE id = ?", id);

describe("POST /v1/users/{id}/erase", () => {
  it("returns 204, removes the user permanently and records user.erased once", async () => {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    const answer = await erase(user.id, admin.token);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    expect(await rowsOf(user.id)).toEqual([]);
    for (const path of ["", "?deleted=true", "/profile", "/export"]) {
      const gone = await send(`/v1/users/${user.id}${path}`, { token: admin.token });
      expectProblem(gone, 404, "user_not_found");
    }
    const restore = { method: "POST", token: admin.token };
    expectProblem(await send(`/v1/users/${user.id}/restore`, restore), 404, "user_not_found");
    expect(await changesOn(user.id)).toEqual(["user.created", "user.erased"]);
  });

  it("refuses the user's sessions, keys and password immediately", async () => {
    const user = await createTestUser();
    const key = await createTestKey(user, []);
    const admin = await createTestUser("admin");
    await sendWithKey(key, "/v1/users/me");
    await send("/v1/auth/me", { token: user.token });
    await erase(user.id, admin.token);
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    expectProblem(await send("/v1/users/me", withKey(key)), 401, "unauthenticated");
    const body = { username: user.username, password: PASSWORD };
    expectProblem(await send("/v1/auth/login", { body }), 401, "invalid_credentials");
  });

  it("deletes the user's login attempts, and nobody else's", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    for (const { username } of [user, other]) {
      await send("/v1/auth/login", { body: { username, password: "wrong password" } });
    }
    const counted = ({ id }: TestUser) =>
      sqlAll("SELECT key FROM login_attempts WHERE key = 'user:' || ?", id);
    expect(await counted(user)).toHaveLength(1);
    await erase(user.id, (await createTestUser("admin")).token);
    expect(await counted(user)).toEqual([]);
    expect(await counted(other)).toHaveLength(1);
  });

  it("frees the email and the username", async () => {
    const { id, username, email } = await createTestUser();
    await erase(id, (await createTestUser("admin")).token);
    const body = { username, email, password: PASSWORD };
    expect((await send("/v1/auth/register", { body })).status).toBe(201);
  });

  it("erases a deleted user", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    await remove(id, token);
    expect((await erase(id, token)).status).toBe(204);
    expect(await rowsOf(id)).toEqual([]);
    expect(await changesOn(id)).toEqual(["user.created", "user.deleted", "user.erased"]);
  });

  it("does not affect other users", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    const key = await createTestKey(other, []);
    await erase(user.id, (await createTestUser("admin")).token);
    expect(await statusesOf(other)).toEqual({ write: 200, read: 200, refresh: 200 });
    expect((await sendWithKey(key, "/v1/auth/me")).status).toBe(403);
  });

  it("erases once for 10 concurrent requests: one 204, the others 404, one event", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    const answers = await Promise.all(Array.from({ length: 10 }, () => erase(id, token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(404)]);
    expect(await changesOn(id)).toEqual(["user.created", "user.erased"]);
  });

  it("lets an administrator erase themselves while another remains", async () => {
    const admin = await createTestUser("admin");
    await createTestUser("admin");
    expect((await erase("me", admin.token)).status).toBe(204);
    expect(await rowsOf(admin.id)).toEqual([]);
    expect(await statusesOf(admin)).toEqual(ALL_REFUSED);
  });

  it("returns 409 last_admin for the only administrator, and keeps one of two who erase each other", async () => {
    await sqlRun("UPDATE users SET role = 'user'");
    const admin = await createTestUser("admin");
    expectProblem(await erase("me", admin.token), 409, "last_admin");
    const second = await createTestUser("admin");
    const answers = await Promise.all([
      erase(second.id, admin.token),
      erase(admin.id, second.token),
    ]);
    // The second caller has been erased by then.
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 401]);
    expect(await sqlAll("SELECT id FROM users WHERE role = 'admin'")).toHaveLength(1);
  });

  it("returns 409 last_admin if the other administrator is demoted between read and write", async () => {
    await sqlRun("UPDATE users SET role = 'user'");
    const [admin, second] = [await createTestUser("admin"), await createTestUser("admin")];
    const demote = () => sqlRun("UPDATE users SET role = 'user' WHERE id = ?", second.id);
    const answer = await erase(admin.id, admin.token, beforeStatement(DELETE, demote));
    expectProblem(answer, 409, "last_admin");
    expect(await rowsOf(admin.id)).toHaveLength(1);
  });

  it("returns 403 privilege_escalation for a user who holds more permissions, deleted or not", async () => {
    await createRoleRow("eraser", ["users:erase"]);
    const { token } = await createTestUser("eraser");
    const moderator = await createTestUser("moderator");
    expectProblem(await erase(moderator.id, token), 403, "privilege_escalation");
    await remove(moderator.id, moderator.token);
    expectProblem(await erase(moderator.id, token), 403, "privilege_escalation");
    const { id } = await createTestUser();
    expect((await erase(id, token)).status).toBe(204);
  });

  it("returns 403 if the caller loses the permission, or the user is promoted, between read and write", async () => {
    const { token, id: adminId } = await createTestUser("admin");
    const { id } = await createTestUser();
    const demote = () => sqlRun("UPDATE users SET role = 'user' WHERE id = ?", adminId);
    expectProblem(await erase(id, token, beforeStatement(DELETE, demote)), 403, "forbidden");
    await createRoleRow("late_eraser", ["users:erase"]);
    const eraser = await createTestUser("late_eraser");
    const promote = () => sqlRun("UPDATE users SET role = 'moderator' WHERE id = ?", id);
    const late = await erase(id, eraser.token, beforeStatement(DELETE, promote));
    expectProblem(late, 403, "privilege_escalation");
    expect(await changesOn(id)).toEqual(["user.created"]);
  });

  it("returns 401 without a token, 403 without users:erase and to a key, 404 for an unknown user and 422 for a malformed id", async () => {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    expectProblem(await erase(user.id), 401, "unauthenticated");
    expectProblem(await erase("me", user.token), 403, "forbidden");
    expectProblem(await erase(UNKNOWN_ID, user.token), 403, "forbidden");
    const key = await createTestKey(admin, ["users:erase"]);
    const keyed = await sendWithKey(key, `/v1/users/${user.id}/erase`, { method: "POST" });
    expectProblem(keyed, 403, "forbidden");
    expectProblem(await erase(UNKNOWN_ID, admin.token), 404, "user_not_found");
    expect(faultsOf(await erase("42", admin.token))).toEqual(["id invalid_format"]);
    expect(await rowsOf(user.id)).toHaveLength(1);
  });

  it("ends a session that began between read and write, including for introspection", async () => {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    const service = await createTestKey(admin, ["tokens:introspect"]);
    let late = { token: "", refreshToken: "" };
    const begin = async () => {
      late = await logIn(user.username);
    };
    const bindings = beforeStatement(DELETE, begin);
    expect((await erase(user.id, admin.token, bindings)).status).toBe(204);
    expect(await statusesOf(late)).toEqual(ALL_REFUSED);
    const body = { token: late.token };
    const answer = await sendWithKey(service, "/v1/auth/introspect", { body });
    expect(answer.body).toEqual({ active: false });
    expect(await changesOn(user.id)).toEqual(["user.created", "user.erased"]);
  });

  it.each([
    ["read", /from "sessions" inner join "users"/],
    ["write", DELETE],
  ])("erases nothing if D1 fails at the %s", async (_, statement) => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    const failed = await erase(id, token, faultyBindings({ d1: at(statement) }));
    expectProblem(failed, 503, "service_unavailable");
    expect(await rowsOf(id)).toHaveLength(1);
    expect(await changesOn(id)).toEqual(["user.created"]);
    expect((await erase(id, token)).status).toBe(204);
  });

  it("erases nothing if its audit event cannot be written", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    await sqlRun(`CREATE TRIGGER fail_audit BEFORE INSERT ON audit_events
      WHEN new.action = 'user.erased' BEGIN SELECT RAISE(ABORT, 'no'); END`);
    const failed = await erase(id, token);
    await sqlRun("DROP TRIGGER fail_audit");
    expectProblem(failed, 500, "internal_error");
    expect(await rowsOf(id)).toHaveLength(1);
  });
});
