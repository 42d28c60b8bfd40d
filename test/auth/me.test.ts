import { describe, expect, it } from "vitest";
import { PERMISSION_NAMES } from "../../src/access/permissions.ts";
import { costOf, send } from "../support/api.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

describe("GET /v1/auth/me", () => {
  it("returns the user, their permissions and the current session, with no-store", async () => {
    const user = await createTestUser();
    const answer = await send("/v1/auth/me", { token: user.token });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.body).toEqual({
      user: expect.objectContaining({ id: user.id, email: user.email }),
      permissions: [],
      session: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        current: true,
        created_at: expect.stringMatching(/Z$/),
        last_used_at: expect.stringMatching(/Z$/),
        expires_at: expect.stringMatching(/Z$/),
        ip: "203.0.113.7",
        user_agent: null,
        country: null,
      },
    });
  });

  it("lists the permissions of the role", async () => {
    const { token } = await createTestUser("moderator");
    const { body } = await send("/v1/auth/me", { token });
    expect(body.permissions).toEqual([
      "sessions:read",
      "sessions:revoke",
      "users:read",
      "users:update",
    ]);
    const admin = await createTestUser("admin");
    expect((await send("/v1/auth/me", { token: admin.token })).body.permissions).toEqual(
      [...PERMISSION_NAMES].sort(),
    );
  });

  it("takes one D1 round trip and no KV access", async () => {
    const { token } = await createTestUser();
    const cost = costOf(await send("/v1/auth/me", { token }));
    expect(cost).toMatchObject({ queries: 1, kvReads: 0, kvWrites: 0 });
  });

  it("contains no hash", async () => {
    const { token } = await createTestUser();
    expect((await send("/v1/auth/me", { token })).text).not.toMatch(/hash|pbkdf2/);
  });

  it("returns 401 without a token, and 422 for an unknown query parameter", async () => {
    const answer = await send("/v1/auth/me");
    expectProblem(answer, 401, "unauthenticated");
    expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="roster"');
    const { token } = await createTestUser();
    expect(faultsOf(await send("/v1/auth/me?x=1", { token }))).toEqual(["x unknown_field"]);
  });

  it("returns 401 as soon as the user is deleted, even to a session that was just used", async () => {
    const { id, token } = await createTestUser();
    await send("/v1/auth/me", { token });
    await sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", id);
    expectProblem(await send("/v1/auth/me", { token }), 401, "unauthenticated");
  });
});
