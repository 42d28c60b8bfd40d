import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { expectWithin, withProductionLimits } from "../support/budgets.ts";
import { stopClock } from "../support/clock.ts";
import { afterStatement, beforeStatement } from "../support/d1.ts";
import { at, faultyBindings } from "../support/faults.ts";
import { actionsOn, createTestUser, sqlAll } from "../support/fixtures.ts";
import { createIsolate, currentIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import {
  cookieOf,
  createStayingUser,
  FOREIGN_ORIGINS,
  fromPage,
  OWN_ORIGIN,
  REMOVED,
  refreshByCookie,
} from "../support/refresh-cookie.ts";

const REUSE = "session.reuse_detected";

/** The newest session of a user. */
async function sessionOf({ id }: { id: string }) {
  const [session] = await sqlAll<{ generation: number; revoked_at: number | null }>(
    "SELECT * FROM sessions WHERE user_id = ? ORDER BY id DESC",
    id,
  );
  if (!session) throw new Error("no session");
  return session;
}

describe("POST /v1/auth/refresh with the cookie", () => {
  it("answers without the refresh token, and puts the successor into the cookie", async () => {
    const user = await createStayingUser();
    let { cookie } = user;
    const seen = new Set([cookie]);
    for (let i = 0; i < 3; i += 1) {
      const answer = await refreshByCookie(cookie);
      expect(Object.keys(answer.body).sort()).toEqual([
        "access_token",
        "expires_in",
        "refresh_expires_in",
        "token_type",
      ]);
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      const me = await send("/v1/auth/me", { token: answer.body.access_token });
      expect(me.body.user.id).toBe(user.id);
      cookie = cookieOf(answer);
      expect(answer.text).not.toContain(cookie);
      seen.add(cookie);
    }
    expect(seen.size).toBe(4);
  });

  it("costs what a refresh with a body costs", async () => {
    const { cookie } = await createStayingUser();
    const answer = await refreshByCookie(cookie, { bindings: withProductionLimits() });
    expectWithin(answer, { trips: 1, rowsRead: 8, rowsWritten: 3, kv: 1 });
  });

  it("counts for the rate limit of refreshes", async () => {
    const { cookie } = await createStayingUser();
    const bindings = createIsolate({ RATE_LIMIT_REFRESH: "1/60" });
    const ip = "198.51.100.9";
    expect((await refreshByCookie(cookie, { bindings, ip })).status).toBe(200);
    const limited = await refreshByCookie(cookie, { bindings, ip });
    expectProblem(limited, 429, "rate_limited");
    expect(limited.headers.getSetCookie()).toEqual([]);
  });

  it("lets the cookie live as long as the successor", async () => {
    const clock = stopClock();
    const { cookie } = await createStayingUser();
    clock.at(6 * 86_400_000);
    let answer = await refreshByCookie(cookie);
    for (const day of [12, 18, 24]) {
      clock.at(day * 86_400_000);
      answer = await refreshByCookie(cookieOf(answer));
    }
    // The session ends 30 days after the login.
    expect(answer.body.refresh_expires_in).toBe(6 * 86_400);
    expect(cookieOf(answer)).toMatch(/^rrt_/);
  });

  it("gives a retry within 30 seconds the same cookie, and ends the session later", async () => {
    const clock = stopClock();
    const user = await createStayingUser();
    const first = cookieOf(await refreshByCookie(user.cookie));
    clock.at(29_999);
    const again = cookieOf(await refreshByCookie(user.cookie));
    expect(again).toBe(first);
    clock.at(30_000);
    const reused = await refreshByCookie(user.cookie);
    expectProblem(reused, 401, "invalid_refresh_token");
    expect(reused.headers.getSetCookie()).toEqual(REMOVED);
    expect((await sessionOf(user)).revoked_at).toBe(Date.now());
    expect(await actionsOn(user.id)).toContain(REUSE);
    expectProblem(await refreshByCookie(first), 401, "invalid_refresh_token");
  });

  it("gives 20 requests at once the same cookie", async () => {
    const user = await createStayingUser();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => refreshByCookie(user.cookie)),
    );
    expect(new Set(answers.map((answer) => cookieOf(answer))).size).toBe(1);
    expect((await sessionOf(user)).generation).toBe(2);
    expect(await actionsOn(user.id)).not.toContain(REUSE);
  });

  it("is refused if a logout comes first, and void if it comes next", async () => {
    for (const moment of [beforeStatement, afterStatement]) {
      const { cookie, token } = await createStayingUser();
      const bindings = moment(/^update "sessions"/m, async () => {
        await send("/v1/auth/logout", { method: "POST", token });
      });
      const answer = await refreshByCookie(cookie, { bindings });
      const isFirst = moment === beforeStatement;
      expect(answer.status).toBe(isFirst ? 401 : 200);
      if (isFirst) expect(answer.headers.getSetCookie()).toEqual(REMOVED);
      const left = isFirst ? cookie : cookieOf(answer);
      expectProblem(await refreshByCookie(left), 401, "invalid_refresh_token");
    }
  });
});

describe("the origin of a refresh with the cookie", () => {
  it.each(FOREIGN_ORIGINS)("is not allowed: %j", async (origin) => {
    const user = await createStayingUser();
    const { cookie } = user;
    const headers = fromPage(origin, cookie);
    const refused = await send("/v1/auth/refresh", { method: "POST", headers });
    expectProblem(refused, 403, "origin_not_allowed");
    expect(refused.headers.getSetCookie()).toEqual([]);
    expect(costOf(refused)).toMatchObject({ queries: 0, kvReads: 0, kvWrites: 0 });
    expect((await sessionOf(user)).generation).toBe(1);
    expect((await refreshByCookie(cookie)).status).toBe(200);
  });

  it("is not allowed without APP_URL", async () => {
    const { cookie } = await createStayingUser();
    const bindings = createIsolate({ APP_URL: undefined });
    expectProblem(await refreshByCookie(cookie, { bindings }), 403, "origin_not_allowed");
  });

  it("is not allowed for an origin in CORS_ORIGINS", async () => {
    const { cookie } = await createStayingUser();
    const headers = { Origin: "https://app.example" };
    for (const CORS_ORIGINS of ["https://app.example", "*"]) {
      const bindings = createIsolate({ CORS_ORIGINS });
      const answer = await refreshByCookie(cookie, { bindings, headers });
      expectProblem(answer, 403, "origin_not_allowed");
      expect(answer.headers.has("Access-Control-Allow-Credentials")).toBe(false);
    }
  });

  it("does not matter to a refresh with a body", async () => {
    const { refreshToken } = await createTestUser();
    const body = { refresh_token: refreshToken };
    const headers = { Origin: "https://app.example" };
    const answer = await send("/v1/auth/refresh", { body, headers });
    expect(answer.body.refresh_token).toMatch(/^rrt_/);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe("a cookie", () => {
  it("is ignored beside a body, which counts", async () => {
    const user = await createStayingUser();
    const other = await createTestUser();
    for (const origin of [OWN_ORIGIN, "https://app.example"]) {
      const headers = fromPage(origin, user.cookie);
      const body = { refresh_token: other.refreshToken };
      const answer = await send("/v1/auth/refresh", { body, headers });
      const me = await send("/v1/auth/me", { token: answer.body.access_token });
      expect(me.body.user.id).toBe(other.id);
      expect(answer.body.refresh_token).toMatch(/^rrt_/);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect((await sessionOf(user)).generation).toBe(1);
    const body = { refresh_token: "rrt_wrong" };
    const headers = fromPage(OWN_ORIGIN, user.cookie);
    const refused = await send("/v1/auth/refresh", { body, headers });
    expectProblem(refused, 401, "invalid_refresh_token");
    expect(refused.headers.getSetCookie()).toEqual([]);
  });

  it.each([{}, [], null])("does not stand for a body without a token: %j", async (body) => {
    const user = await createStayingUser();
    const headers = fromPage(OWN_ORIGIN, user.cookie);
    const answer = await send("/v1/auth/refresh", { body, headers });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toHaveLength(1);
    expect((await sessionOf(user)).generation).toBe(1);
  });

  it.each([
    "roster_refresh",
    "__Host-roster_refresh",
    "__secure-roster_refresh",
    "__Secure-roster_refresh2",
    "x__Secure-roster_refresh",
    "refresh_token",
  ])("of another name is none: %s", async (name) => {
    const { cookie } = await createStayingUser();
    const headers = { Origin: OWN_ORIGIN, Cookie: `${name}=${cookie}` };
    const answer = await send("/v1/auth/refresh", { method: "POST", headers });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["refresh_token required"]);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it("is found among others", async () => {
    const { cookie } = await createStayingUser();
    const Cookie = `theme=dark; __Secure-roster_refresh=${cookie}; x=__Secure-roster_refresh=y`;
    expect((await refreshByCookie(cookie, { headers: { Cookie } })).status).toBe(200);
  });

  it.each(["rrt_wrong", "x", "x".repeat(5000), "%00", "a b", '"rrt_x"', "rrt_%E2%80%A8"])(
    "that is no token is refused without a round trip, and removed: %s",
    async (value) => {
      const answer = await refreshByCookie(value);
      expectProblem(answer, 401, "invalid_refresh_token");
      expect(answer.headers.getSetCookie()).toEqual(REMOVED);
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 0 });
    },
  );

  it("that holds another kind of token is refused", async () => {
    const { token, cookie } = await createStayingUser();
    expectProblem(await refreshByCookie(token), 401, "invalid_refresh_token");
    const tampered = cookie.replace(/.$/, (last) => (last === "A" ? "E" : "A"));
    expectProblem(await refreshByCookie(tampered), 401, "invalid_refresh_token");
  });

  it("is kept if the service fails", async () => {
    const { cookie } = await createStayingUser();
    const bindings = faultyBindings({ d1: at(/^update "sessions"/m) });
    const failed = await refreshByCookie(cookie, { bindings });
    expectProblem(failed, 503, "service_unavailable");
    expect(failed.headers.getSetCookie()).toEqual([]);
    expect((await refreshByCookie(cookie)).status).toBe(200);
  });

  it("is not used if the rest of the request is invalid", async () => {
    const user = await createStayingUser();
    const answer = await send("/v1/auth/refresh?x=1", {
      method: "POST",
      headers: fromPage(OWN_ORIGIN, user.cookie),
    });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["x unknown_field"]);
    const without = await send("/v1/auth/refresh?x=1", { method: "POST" });
    expect(faultsOf(without)).toEqual(["refresh_token required", "x unknown_field"]);
    expect((await sessionOf(user)).generation).toBe(1);
  });

  it("is no credential of any operation, and counts nothing beside one", async () => {
    const { cookie } = await createStayingUser();
    const other = await createTestUser();
    const headers = fromPage(OWN_ORIGIN, cookie);
    expectProblem(await send("/v1/auth/me", { headers }), 401, "unauthenticated");
    const me = await send("/v1/auth/me", { headers, token: other.token });
    expect(me.body.user.id).toBe(other.id);
    expect(me.headers.getSetCookie()).toEqual([]);
    for (const path of ["/account", "/console", "/docs"]) {
      const page = await send(path, { headers });
      expect([page.status, page.headers.getSetCookie()]).toEqual([200, []]);
    }
  });

  it("is refused by every method but POST", async () => {
    const { cookie } = await createStayingUser();
    for (const method of ["GET", "PUT", "DELETE"]) {
      expectProblem(await refreshByCookie(cookie, { method }), 405, "method_not_allowed");
    }
  });
});

describe("the OpenAPI document", () => {
  it("says that the refresh takes a body or a cookie", async () => {
    const { body } = await send("/openapi.json", { bindings: currentIsolate() });
    const { post } = body.paths["/v1/auth/refresh"];
    expect(post.requestBody.required).toBe(false);
    expect(body.components.schemas.Refresh.required).toEqual(["refresh_token"]);
    expect(post.security).toEqual([{}, { refreshCookie: [] }]);
    expect(body.components.securitySchemes.refreshCookie).toMatchObject({
      type: "apiKey",
      in: "cookie",
      name: "__Secure-roster_refresh",
    });
    expect(Object.keys(post.responses[200].headers)).toContain("Set-Cookie");
    expect(body.components.schemas.Tokens.required).not.toContain("refresh_token");
  });
});
