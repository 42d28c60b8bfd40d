import { describe, expect, it } from "vitest";
import { costOf, type RequestOptions, send } from "../support/api.ts";
import { createLoginMailbox, requestLogin } from "../support/email-login.ts";
import { codeOf, createTotpUser, halfLogIn } from "../support/factors.ts";
import { createTestUser, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { createPasskeyUser, loginOptions } from "../support/passkeys.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import {
  CODE_VERIFIER,
  createProviderBox,
  newPerson,
  reachCode,
  sendExchange,
} from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";
import {
  cookieOf,
  createStayingUser,
  FOREIGN_ORIGINS,
  fromPage,
  OWN_ORIGIN,
  REMOVED,
  refreshByCookie,
} from "../support/refresh-cookie.ts";

interface Login {
  path: string;
  body: Record<string, unknown>;
  bindings?: Cloudflare.Env;
}

/** Every way to log in, up to the request that is answered with tokens. */
const WAYS: Record<string, () => Promise<Login>> = {
  "a password": async () => {
    const { username } = await createTestUser();
    return { path: "/v1/auth/login", body: { username, password: PASSWORD } };
  },
  "a second factor": async () => {
    const user = await createTotpUser();
    const body = {
      mfa_token: await halfLogIn(user),
      method: "totp",
      code: await codeOf(user.secret),
    };
    return { path: "/v1/auth/mfa/verify", body };
  },
  "a passkey": async () => {
    const { authenticator } = await createPasskeyUser();
    const credential = await authenticator.authenticate(await loginOptions());
    return { path: "/v1/auth/passkey/login", body: { credential } };
  },
  "a link in an email": async () => {
    const { token, box } = await requestLogin();
    return { path: "/v1/auth/email-login/verify", body: { token }, bindings: box.bindings };
  },
  "a code in an email": async () => {
    const { code, loginToken, box } = await requestLogin();
    const body = { login_token: loginToken, code };
    return { path: "/v1/auth/email-login/verify", body, bindings: box.bindings };
  },
  "a provider": async () => {
    const box = createProviderBox();
    const code = await reachCode(box, await fakeProviders(), { claims: newPerson() });
    const body = { code, code_verifier: CODE_VERIFIER };
    return { path: "/v1/auth/exchange", body, bindings: box.bindings };
  },
};

const sendLogin = ({ path, body, ...options }: Login, flag: object, more: RequestOptions = {}) =>
  send(path, { body: { ...body, ...flag }, ...options, ...more });

const STAY = { stay_signed_in: true };

describe.each(Object.entries(WAYS))("a login with %s", (_, prepare) => {
  it("puts the refresh token into the cookie, and only there", async () => {
    const login = await prepare();
    const answer = await sendLogin(login, STAY, { headers: fromPage() });
    expect(answer.status, answer.text).toBe(200);
    expect(Object.keys(answer.body).sort()).toEqual([
      "access_token",
      "expires_in",
      "refresh_expires_in",
      "token_type",
    ]);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const cookie = cookieOf(answer);
    expect(answer.text).not.toContain(cookie);
    const refreshed = await refreshByCookie(cookie);
    expect(refreshed.status).toBe(200);
  });

  it("is refused from elsewhere before anything is done, so that it works afterwards", async () => {
    const login = await prepare();
    for (const origin of FOREIGN_ORIGINS) {
      const refused = await sendLogin(login, STAY, { headers: fromPage(origin) });
      expectProblem(refused, 403, "origin_not_allowed");
      expect(refused.headers.getSetCookie()).toEqual([]);
      expect(costOf(refused)).toMatchObject({ queries: 0, kvReads: 0, kvWrites: 0 });
    }
    expect((await sendLogin(login, STAY, { headers: fromPage() })).status).toBe(200);
  });

  it.each([{}, { stay_signed_in: false }])(
    "sets no cookie with %j, from anywhere",
    async (flag) => {
      const login = await prepare();
      const headers = fromPage("https://app.example");
      const answer = await sendLogin(login, flag, { headers });
      expect(answer.status, answer.text).toBe(200);
      expect(answer.body.refresh_token).toMatch(/^rrt_/);
      expect(answer.headers.getSetCookie()).toEqual([]);
    },
  );
});

describe("stay_signed_in", () => {
  it("counts no attempt if the origin is refused, not even of wrong passwords", async () => {
    const { username } = await createTestUser();
    const bindings = createIsolate({ LOGIN_ATTEMPT_LIMIT: "2" });
    const body = { username, password: "wrong password", ...STAY };
    for (let i = 0; i < 5; i += 1) {
      expectProblem(await send("/v1/auth/login", { body, bindings }), 403, "origin_not_allowed");
    }
    const right = { username, password: PASSWORD };
    expect((await send("/v1/auth/login", { body: right, bindings })).status).toBe(200);
  });

  it("sets no cookie for a login that is refused", async () => {
    const { username } = await createTestUser();
    const body = { username, password: "wrong password", ...STAY };
    const answer = await send("/v1/auth/login", { body, headers: fromPage() });
    expectProblem(answer, 401, "invalid_credentials");
    expect(answer.headers.getSetCookie()).toEqual([]);
    const user = await createTotpUser();
    const first = { username: user.username, password: PASSWORD, ...STAY };
    const half = await send("/v1/auth/login", { body: first, headers: fromPage() });
    expectProblem(half, 401, "mfa_required");
    expect(half.headers.getSetCookie()).toEqual([]);
  });

  it.each(["true", 1, null, {}])("is no boolean: %j", async (stay_signed_in) => {
    const { username } = await createTestUser();
    const body = { username, password: PASSWORD, stay_signed_in };
    const answer = await send("/v1/auth/login", { body, headers: fromPage() });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["stay_signed_in invalid_type"]);
  });

  it("works for nobody without APP_URL", async () => {
    const { username } = await createTestUser();
    const bindings = createIsolate({ APP_URL: undefined });
    for (const origin of [OWN_ORIGIN, "http://localhost:8787", "undefined", null]) {
      const body = { username, password: PASSWORD, ...STAY };
      const answer = await send("/v1/auth/login", { body, bindings, headers: fromPage(origin) });
      expectProblem(answer, 403, "origin_not_allowed");
    }
  });

  it("works for no other origin that may call the API, and sends none its cookie", async () => {
    const Origin = "https://app.example";
    const { username } = await createTestUser();
    for (const CORS_ORIGINS of [Origin, "*"]) {
      const bindings = createIsolate({ CORS_ORIGINS });
      const body = { username, password: PASSWORD, ...STAY };
      const answer = await send("/v1/auth/login", { body, bindings, headers: { Origin } });
      expectProblem(answer, 403, "origin_not_allowed");
      expect(answer.headers.has("Access-Control-Allow-Origin")).toBe(true);
      expect(answer.headers.has("Access-Control-Allow-Credentials")).toBe(false);
    }
  });

  it("changes nothing where a code stands for a link or a step-up, but its origin is checked", async () => {
    const box = createProviderBox();
    const fake = await fakeProviders();
    const { token } = await createTestUser();
    const code = await reachCode(box, fake, { intent: "link", token, claims: newPerson() });
    const options = { bindings: box.bindings, token, body: STAY };
    expectProblem(await sendExchange(code, options), 403, "origin_not_allowed");
    const linked = await sendExchange(code, { ...options, headers: fromPage() });
    expect([linked.status, linked.body.provider]).toEqual([200, "idp"]);
    expect(linked.headers.getSetCookie()).toEqual([]);
  });

  it("lets the cookie live as long as its token", async () => {
    const { username } = await createTestUser();
    const bindings = createIsolate({ SESSION_IDLE_DAYS: "60", SESSION_MAX_DAYS: "1" });
    const body = { username, password: PASSWORD, ...STAY };
    const answer = await send("/v1/auth/login", { body, bindings, headers: fromPage() });
    expect(answer.body.refresh_expires_in).toBe(86_400);
    expect(cookieOf(answer)).toMatch(/^rrt_/);
  });

  it("is unknown to other operations", async () => {
    const box = createLoginMailbox();
    const body = { email: "ada@example.com", ...STAY };
    const answer = await send("/v1/auth/email-login", { body, bindings: box.bindings });
    expect(faultsOf(answer)).toEqual(["stay_signed_in unknown_field"]);
  });
});

describe("POST /v1/auth/logout", () => {
  it("removes the cookie, and ends what it stands for", async () => {
    const { token, cookie, id } = await createStayingUser();
    const answer = await send("/v1/auth/logout", { method: "POST", token });
    expect(answer.status).toBe(204);
    expect(answer.headers.getSetCookie()).toEqual(REMOVED);
    expectProblem(await refreshByCookie(cookie), 401, "invalid_refresh_token");
    const live = await sqlAll(
      "SELECT id FROM sessions WHERE user_id = ? AND revoked_at IS NULL",
      id,
    );
    expect(live).toHaveLength(1);
  });

  it("removes it whether or not there is one", async () => {
    const { token } = await createTestUser();
    const answer = await send("/v1/auth/logout", { method: "POST", token });
    expect(answer.headers.getSetCookie()).toEqual(REMOVED);
  });

  it("needs an access token: with the cookie alone it does nothing", async () => {
    const { cookie } = await createStayingUser();
    const headers = fromPage(OWN_ORIGIN, cookie);
    const answer = await send("/v1/auth/logout", { method: "POST", headers });
    expectProblem(answer, 401, "unauthenticated");
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect((await refreshByCookie(cookie)).status).toBe(200);
  });
});
