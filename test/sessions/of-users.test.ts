import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  ALL_REFUSED,
  actionsOn,
  auditOf,
  createTestUser,
  logIn,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { currentIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const LIVE = { write: 200, read: 200, refresh: 200 };
const SESSIONS_END = /^update "sessions" set "revoked_at"/;
const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

const path = (userId: string, sessionId = "") =>
  `/v1/users/${userId}/sessions${sessionId && `/${sessionId}`}`;
const list = (userId: string, token: string) => send(path(userId), { token });
const end = (userId: string, token: string, sessionId = "", bindings = currentIsolate()) =>
  send(path(userId, sessionId), { method: "DELETE", token, bindings });

describe("GET /v1/users/{id}/sessions", () => {
  it("lists the caller's sessions, and another user's with sessions:read, none of them as current", async () => {
    const user = await createTestUser();
    await logIn(user.username);
    const moderator = await createTestUser("moderator");
    for (const id of ["me", user.id]) {
      expect((await list(id, user.token)).body.data).toHaveLength(2);
    }
    const { status, body } = await list(user.id, moderator.token);
    expect(status).toBe(200);
    expect(body.data.map(({ current }: { current: boolean }) => current)).toEqual([false, false]);
  });

  it("returns 403 privilege_escalation to a moderator for an admin", async () => {
    const admin = await createTestUser("admin");
    const moderator = await createTestUser("moderator");
    expectProblem(await list(admin.id, moderator.token), 403, "privilege_escalation");
  });

  it("returns 401 without a token, 403 to others whether or not the user exists, 404 for an unknown user and 422 for a malformed id", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    const moderator = await createTestUser("moderator");
    expectProblem(await send(path(user.id)), 401, "unauthenticated");
    for (const id of [user.id, UNKNOWN_ID])
      expectProblem(await list(id, other.token), 403, "forbidden");
    expectProblem(await list(UNKNOWN_ID, moderator.token), 404, "user_not_found");
    expect(faultsOf(await list("42", moderator.token))).toEqual(["id invalid_format"]);
  });
});

describe("DELETE /v1/users/{id}/sessions", () => {
  it("ends all of a user's sessions immediately, and records the actor", async () => {
    const user = await createTestUser();
    const second = await logIn(user.username);
    const moderator = await createTestUser("moderator");
    expect((await end(user.id, moderator.token)).status).toBe(204);
    for (const tokens of [user, second]) expect(await statusesOf(tokens)).toEqual(ALL_REFUSED);
    const [event] = (await auditOf(user.id)).slice(-1);
    expect(event).toMatchObject({
      action: "session.revoked",
      actor_id: moderator.id,
      metadata: { session_id: "all", reason: "ended" },
    });
    expect((await end(user.id, moderator.token)).status).toBe(204);
    expect(await actionsOn(user.id)).toEqual(["user.created", "session.revoked"]);
  });

  it("ends all of the caller's sessions, including the current one", async () => {
    const user = await createTestUser();
    const second = await logIn(user.username);
    expect((await end("me", user.token)).status).toBe(204);
    for (const tokens of [user, second]) expect(await statusesOf(tokens)).toEqual(ALL_REFUSED);
  });

  it("returns 403 privilege_escalation to a moderator for an admin, whose sessions remain", async () => {
    const admin = await createTestUser("admin");
    const { token } = await createTestUser("moderator");
    expectProblem(await end(admin.id, token), 403, "privilege_escalation");
    expect(await statusesOf(admin)).toEqual(LIVE);
  });

  it.each([
    ["was demoted", "UPDATE users SET role = 'user' WHERE id = ?", 403, "forbidden"],
    [
      "was logged out",
      "UPDATE sessions SET revoked_at = 1 WHERE user_id = ?",
      401,
      "unauthenticated",
    ],
  ])(
    "changes nothing for a moderator who %s between read and write",
    async (_, loss, status, code) => {
      const user = await createTestUser();
      const moderator = await createTestUser("moderator");
      const bindings = beforeStatement(SESSIONS_END, () => sqlRun(loss, moderator.id));
      expectProblem(await end(user.id, moderator.token, "", bindings), status, code);
      expect(await statusesOf(user)).toEqual(LIVE);
      expect(await actionsOn(user.id)).toEqual(["user.created"]);
    },
  );

  it("changes nothing for a user who became an admin between read and write", async () => {
    const user = await createTestUser();
    const moderator = await createTestUser("moderator");
    const promote = () => sqlRun("UPDATE users SET role = 'admin' WHERE id = ?", user.id);
    const bindings = beforeStatement(SESSIONS_END, promote);
    const answer = await end(user.id, moderator.token, "", bindings);
    expectProblem(answer, 403, "privilege_escalation");
    expect(await statusesOf(user)).toEqual(LIVE);
    expect(await actionsOn(user.id)).toEqual(["user.created"]);
  });

  it("returns 401 without a token, 403 to others whether or not the user exists, and 404 for an unknown user", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    expectProblem(await send(path(user.id), { method: "DELETE" }), 401, "unauthenticated");
    for (const id of [user.id, UNKNOWN_ID])
      expectProblem(await end(id, other.token), 403, "forbidden");
    const moderator = await createTestUser("moderator");
    expectProblem(await end(UNKNOWN_ID, moderator.token), 404, "user_not_found");
  });
});

describe("DELETE /v1/users/{id}/sessions/{session_id}", () => {
  it("ends only that session, and returns 404 for another user's or an ended session", async () => {
    const user = await createTestUser();
    const second = await logIn(user.username);
    const moderator = await createTestUser("moderator");
    const { body } = await send("/v1/auth/me", { token: user.token });
    const id = body.session.id;
    const own = (await send("/v1/auth/me", { token: moderator.token })).body.session.id;
    expectProblem(await end(user.id, moderator.token, own), 404, "session_not_found");
    expect((await end(user.id, moderator.token, id)).status).toBe(204);
    expectProblem(await end(user.id, moderator.token, id), 404, "session_not_found");
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    expect(await statusesOf(second)).toEqual(LIVE);
  });

  it("returns 401 without a token, 403 to others and 422 for a malformed id", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    expectProblem(
      await send(path(user.id, UNKNOWN_ID), { method: "DELETE" }),
      401,
      "unauthenticated",
    );
    expectProblem(await end(user.id, other.token, UNKNOWN_ID), 403, "forbidden");
    expect(faultsOf(await end(user.id, user.token, "x"))).toEqual(["session_id invalid_format"]);
  });
});
