import { describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import {
  ALL_REFUSED,
  auditOf,
  createTestUser,
  sqlAll,
  sqlRun,
  statusesOf,
  type TestUser,
} from "../support/fixtures.ts";
import { currentIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const DAY = 86_400_000;
const INVALID = [401, "invalid_refresh_token"] as const;

const refresh = (refresh_token: unknown, bindings = currentIsolate()) =>
  send("/v1/auth/refresh", { body: { refresh_token }, bindings });

async function sessionOf({ id }: TestUser) {
  const [session] = await sqlAll<{ id: string; generation: number; revoked_at: number | null }>(
    "SELECT * FROM sessions WHERE user_id = ?",
    id,
  );
  if (!session) throw new Error("no session");
  return session;
}

describe("POST /v1/auth/refresh", () => {
  it("returns new tokens of the same session in one D1 round trip, with no-store", async () => {
    const user = await createTestUser();
    const answer = await refresh(user.refreshToken);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(costOf(answer)).toMatchObject({ queries: 1, kvReads: 0 });
    expect(answer.body).toMatchObject({
      token_type: "Bearer",
      expires_in: 900,
      refresh_expires_in: 604_800,
    });
    expect(answer.body.refresh_token).not.toBe(user.refreshToken);
    const me = await send("/v1/auth/me", { token: answer.body.access_token });
    expect(me.body.session.id).toBe((await sessionOf(user)).id);
  });

  it("rotates: each successor can be used once", async () => {
    let { refreshToken } = await createTestUser();
    const seen = new Set([refreshToken]);
    for (let i = 0; i < 5; i += 1) {
      const { body } = await refresh(refreshToken);
      refreshToken = body.refresh_token;
      seen.add(refreshToken);
    }
    expect(seen.size).toBe(6);
  });

  it("returns the same working successor to 20 concurrent requests with one token", async () => {
    const user = await createTestUser();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(user.refreshToken)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect((await sessionOf(user)).generation).toBe(2);
    expect((await refresh(answers[0]?.body.refresh_token)).status).toBe(200);
  });

  it("returns the same successor to a retry within 30 seconds", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const user = await createTestUser();
    const first = await refresh(user.refreshToken);
    vi.setSystemTime(start + 29_999);
    const retry = await refresh(user.refreshToken);
    expect(retry.status).toBe(200);
    expect(retry.body.refresh_token).toBe(first.body.refresh_token);
    expect((await sessionOf(user)).revoked_at).toBeNull();
  });

  it("ends the session when the used token is sent again after 30 seconds, and records it once", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const user = await createTestUser();
    const { body: tokens } = await refresh(user.refreshToken);
    vi.setSystemTime(Date.now() + 30_000);
    const answers = await Promise.all([refresh(user.refreshToken), refresh(user.refreshToken)]);
    for (const answer of answers) expectProblem(answer, ...INVALID);
    const stolen = { token: tokens.access_token, refreshToken: tokens.refresh_token };
    expect(await statusesOf(stolen)).toEqual(ALL_REFUSED);
    const rows = await auditOf(user.id);
    expect(rows.map(({ action }) => action)).toEqual(["user.created", "session.reuse_detected"]);
    expect(rows[1]).toMatchObject({ metadata: { session_id: (await sessionOf(user)).id } });
  });

  it("ends the session immediately when an older token than the last used one is sent", async () => {
    const user = await createTestUser();
    const second = await refresh(user.refreshToken);
    await refresh(second.body.refresh_token);
    expectProblem(await refresh(user.refreshToken), ...INVALID);
    expect((await sessionOf(user)).revoked_at).not.toBeNull();
    expectProblem(await refresh(second.body.refresh_token), ...INVALID);
  });

  it("does not end other sessions of the user", async () => {
    const user = await createTestUser();
    const other = await send("/v1/auth/login", {
      body: { username: user.username, password: "SecurePass123!" },
    });
    const second = await refresh(user.refreshToken);
    await refresh(second.body.refresh_token);
    await refresh(user.refreshToken);
    expect((await refresh(other.body.refresh_token)).status).toBe(200);
  });

  it("refuses forged, truncated, extended and other kinds of tokens without D1 or KV access", async () => {
    const { refreshToken, token } = await createTestUser();
    const flipped = [...refreshToken].map((character, i) => {
      const other = character === "A" ? "B" : "A";
      return refreshToken.slice(0, i) + other + refreshToken.slice(i + 1);
    });
    const attempts = [
      ...flipped,
      refreshToken.slice(0, -1),
      refreshToken.slice(4),
      `${refreshToken}A`,
      `${refreshToken}=`,
      ` ${refreshToken}`,
      refreshToken.toUpperCase(),
      token,
      "rrt_",
      "x",
      `rrt_${"A".repeat(72)}`,
    ];
    for (const attempt of attempts) {
      const answer = await refresh(attempt);
      expectProblem(answer, ...INVALID);
      expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 0, kvWrites: 0 });
      expect(answer.headers.get("WWW-Authenticate")).toContain("Bearer");
    }
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it("leaves no live token when concurrent with a logout, deactivation or deletion", async () => {
    const admin = await createTestUser("admin");
    const endings: ((user: TestUser) => Promise<unknown>)[] = [
      ({ token }) => send("/v1/auth/logout", { method: "POST", token }),
      ({ token }) => send("/v1/users/me", { method: "DELETE", token }),
      ({ id }) =>
        send(`/v1/users/${id}`, {
          method: "PATCH",
          token: admin.token,
          body: { is_active: false },
        }),
    ];
    for (const end of endings) {
      const user = await createTestUser();
      const answers = await Promise.all([
        ...Array.from({ length: 5 }, () => refresh(user.refreshToken)),
        end(user),
        ...Array.from({ length: 5 }, () => refresh(user.refreshToken)),
      ]);
      for (const { body } of answers.filter(isTokens)) {
        const left = { token: body.access_token, refreshToken: body.refresh_token };
        expect(await statusesOf(left)).toEqual(ALL_REFUSED);
      }
      expect(await statusesOf(user)).toEqual(ALL_REFUSED);
    }
  });

  it("expires after exactly 7 idle days", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const [user, idle] = [await createTestUser(), await createTestUser()];
    vi.setSystemTime(start + 7 * DAY - 1000);
    const { body } = await refresh(user.refreshToken);
    vi.setSystemTime(start + 7 * DAY + 1000);
    expectProblem(await refresh(idle.refreshToken), ...INVALID);
    expect((await refresh(body.refresh_token)).status).toBe(200);
  });

  it("expires 30 days after login however often it is used, and returns the remaining lifetime", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    let { refreshToken } = await createTestUser();
    for (let day = 5; day < 30; day += 5) {
      vi.setSystemTime(start + day * DAY);
      const { body } = await refresh(refreshToken);
      refreshToken = body.refresh_token;
      expect(body.refresh_expires_in).toBeLessThanOrEqual((Math.min(7, 30 - day) * DAY) / 1000);
    }
    vi.setSystemTime(start + 30 * DAY + 1000);
    expectProblem(await refresh(refreshToken), ...INVALID);
  });

  it("refuses a token that is newer than its session, as after a restore of the database", async () => {
    const user = await createTestUser();
    const { body } = await refresh(user.refreshToken);
    await sqlRun("UPDATE sessions SET generation = 1 WHERE user_id = ?", user.id);
    expectProblem(await refresh(body.refresh_token), ...INVALID);
    expect((await refresh(user.refreshToken)).status).toBe(200);
  });

  it("returns 401 for a session that no longer exists", async () => {
    const user = await createTestUser();
    await sqlRun("DELETE FROM sessions WHERE user_id = ?", user.id);
    expectProblem(await refresh(user.refreshToken), ...INVALID);
  });

  it.each([
    [{}, ["refresh_token required"]],
    [{ refresh_token: 7 }, ["refresh_token invalid_type"]],
    [{ refresh_token: "" }, ["refresh_token too_short"]],
    [{ refresh_token: "x".repeat(2000) }, ["refresh_token too_long"]],
    [{ refresh_token: "x", scope: "all" }, ["scope unknown_field"]],
  ])("returns 422 for %j", async (body, faults) => {
    const answer = await send("/v1/auth/refresh", { body });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(faults);
  });
});

interface TokensAnswer {
  body: { access_token: string; refresh_token: string };
}

function isTokens(answer: unknown): answer is TokensAnswer {
  const { body } = answer as { body?: Record<string, unknown> };
  return typeof body?.refresh_token === "string";
}
