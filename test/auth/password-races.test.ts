import { env } from "cloudflare:workers";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  ALL_REFUSED,
  actionsOn,
  createTestUser,
  logIn,
  PASSWORD,
  sqlAll,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { createIsolate, currentIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const NEW = "another pass phrase";

const SESSION_BEGINS = /^insert into "sessions"/;
const PASSWORD_CHANGES = /^update "users" set "password_hash"/;

const change = (token: string, bindings = currentIsolate(), body: Record<string, unknown> = {}) =>
  send("/v1/auth/password/change", {
    token,
    body: { current_password: PASSWORD, new_password: NEW, ...body },
    bindings,
  });

const tryLogIn = (username: string, password: string, bindings = currentIsolate()) =>
  send("/v1/auth/login", { body: { username, password }, bindings });

const refresh = (refresh_token: string) => send("/v1/auth/refresh", { body: { refresh_token } });

const liveSessions = (userId: string) =>
  sqlAll("SELECT id FROM sessions WHERE user_id = ? AND revoked_at IS NULL", userId);

const times = <T>(count: number, work: () => Promise<T>) => Array.from({ length: count }, work);

describe("a change of password", () => {
  it("concurrent with refreshes of another session leaves no live token of that session", async () => {
    const user = await createTestUser();
    const other = await logIn(user.username);
    const [before, changed, after] = await Promise.all([
      Promise.all(times(5, () => refresh(other.refreshToken))),
      change(user.token),
      Promise.all(times(5, () => refresh(other.refreshToken))),
    ]);
    expect(changed.status).toBe(204);
    for (const { status, body } of [...before, ...after]) {
      expect([200, 401]).toContain(status);
      if (status === 401) continue;
      const left = { token: body.access_token, refreshToken: body.refresh_token };
      expect(await statusesOf(left)).toEqual(ALL_REFUSED);
    }
    expect(await statusesOf(other)).toEqual(ALL_REFUSED);
  });

  it("concurrent with refreshes of its own session keeps it, with one successor", async () => {
    const user = await createTestUser();
    const [refreshed, changed] = await Promise.all([
      Promise.all(times(5, () => refresh(user.refreshToken))),
      change(user.token),
    ]);
    expect(changed.status).toBe(204);
    expect(refreshed.map(({ status }) => status)).toEqual(Array(5).fill(200));
    expect(new Set(refreshed.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect((await refresh(refreshed[0]?.body.refresh_token)).status).toBe(200);
  });

  it("concurrent with logins with the old password leaves none of their sessions alive", async () => {
    const user = await createTestUser();
    const [logins, changed] = await Promise.all([
      Promise.all(times(5, () => tryLogIn(user.username, PASSWORD))),
      change(user.token),
    ]);
    expect(changed.status).toBe(204);
    for (const { status, body } of logins.filter((answer) => answer.status === 200)) {
      expect(status).toBe(200);
      expect((await refresh(body.refresh_token)).status).toBe(401);
    }
    expect(await liveSessions(user.id)).toHaveLength(1);
  });

  it("prevents a session from a login that has already checked the old password, even if that login rehashes it", async () => {
    for (const settings of [{}, { PASSWORD_ITERATIONS: "2000" }]) {
      const user = await createTestUser();
      const changeFirst = () => change(user.token);
      const bindings = beforeStatement(SESSION_BEGINS, changeFirst, createIsolate(settings));
      const login = await tryLogIn(user.username, PASSWORD, bindings);
      expectProblem(login, 401, "invalid_credentials");
      expect(await liveSessions(user.id)).toHaveLength(1);
      expect((await tryLogIn(user.username, NEW)).status).toBe(200);
      expectProblem(await tryLogIn(user.username, PASSWORD), 401, "invalid_credentials");
    }
  });

  it("returns 401 invalid_credentials after another change in the same session came first, and keeps the session", async () => {
    const user = await createTestUser();
    const bindings = beforeStatement(PASSWORD_CHANGES, () => change(user.token));
    const second = await change(user.token, bindings, { new_password: "the second phrase" });
    expectProblem(second, 401, "invalid_credentials");
    expect((await tryLogIn(user.username, NEW)).status).toBe(200);
    expect((await actionsOn(user.id)).filter((action) => action === "password.changed")).toEqual([
      "password.changed",
    ]);
    expect((await refresh(user.refreshToken)).status).toBe(200);
  });

  it("returns 401 unauthenticated after another change in another session came first", async () => {
    const user = await createTestUser();
    const other = await logIn(user.username);
    const bindings = beforeStatement(PASSWORD_CHANGES, () => change(other.token));
    expectProblem(await change(user.token, bindings), 401, "unauthenticated");
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
  });

  it.each([
    ["deactivated", "UPDATE users SET is_active = 0 WHERE id = ?"],
    ["deleted", "UPDATE users SET deleted_at = 1 WHERE id = ?"],
  ])(
    "changes nothing if the account is %s while the passwords are hashed",
    async (_, statement) => {
      const { id, token } = await createTestUser();
      const bindings = beforeStatement(PASSWORD_CHANGES, () => sqlRun(statement, id));
      expectProblem(await change(token, bindings), 401, "unauthenticated");
      expect(await actionsOn(id)).not.toContain("password.changed");
    },
  );

  it("refused for its new password does not count as a failed login", async () => {
    const { username, token } = await createTestUser();
    for (let i = 0; i < 12; i += 1) {
      const answer = await change(token, env, { new_password: `my name is ${username}` });
      expect(faultsOf(answer)).toContain("new_password contains_username");
    }
    expect((await tryLogIn(username, PASSWORD)).status).toBe(200);
  });
});

describe("a login during a role change", () => {
  it("returns a token with the new role", async () => {
    const admin = await createTestUser("admin");
    const user = await createTestUser("moderator");
    const demote = () =>
      send(`/v1/users/${user.id}/role`, {
        method: "PUT",
        token: admin.token,
        body: { role: "user" },
      });
    const bindings = beforeStatement(SESSION_BEGINS, demote);
    const { body, status } = await tryLogIn(user.username, PASSWORD, bindings);
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({ role: "user", scope: "" });
    const me = await send("/v1/auth/me", { token: body.access_token });
    expect(me.body.permissions).toEqual([]);
  });
});
