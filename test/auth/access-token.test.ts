import { env } from "cloudflare:workers";
import { decodeJwt, decodeProtectedHeader, type JWK, type JWTPayload } from "jose";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import { expectTokenRefused, readMe } from "../support/bearer.ts";
import { createTestUser, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";
import { forge, newSigningJwk, SIGNING_JWK } from "../support/tokens.ts";

let user: TestUser;
let claims: JWTPayload;

beforeAll(async () => {
  user = await createTestUser();
  claims = decodeJwt(user.token);
});

describe("an access token", () => {
  it("is an EdDSA at+jwt with the service's kid and exactly the documented claims", async () => {
    expect(decodeProtectedHeader(user.token)).toEqual({
      alg: "EdDSA",
      typ: "at+jwt",
      kid: SIGNING_JWK.kid,
    });
    expect(claims).toEqual({
      iss: "https://roster.test",
      aud: "roster",
      sub: user.id,
      sid: expect.any(String),
      role: "user",
      scope: "",
      iat: expect.any(Number),
      exp: (claims.iat ?? 0) + 900,
      jti: expect.any(String),
      auth_time: expect.any(Number),
      acr: "aal1",
      amr: ["pwd"],
    });
    const admin = decodeJwt((await createTestUser("moderator")).token);
    expect(admin.scope).toBe("sessions:read sessions:revoke users:read users:update");
  });

  it("is accepted when rebuilt unchanged, so that the forgeries below fail for their own reason", async () => {
    expect((await readMe(await forge(user.token, {}))).status).toBe(200);
  });

  it("gets a new jti at each refresh", async () => {
    const other = await createTestUser();
    const answers = await Promise.all(
      [1, 2].map(() => send("/v1/auth/refresh", { body: { refresh_token: other.refreshToken } })),
    );
    expect(new Set(answers.map(({ body }) => decodeJwt(body.access_token).jti)).size).toBe(2);
  });

  it("expires after 15 minutes", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const { token } = await createTestUser();
    const issuedAt = (decodeJwt(token).iat ?? 0) * 1000;
    vi.setSystemTime(issuedAt + 899_000);
    expect((await readMe(token)).status).toBe(200);
    vi.setSystemTime(issuedAt + 900_000);
    await expectTokenRefused(token);
  });
});

describe("the Authorization header", () => {
  it("accepts the scheme in any case, and no other scheme", async () => {
    const scheme = (text: string) => send("/v1/auth/me", { headers: { Authorization: text } });
    expect((await scheme(`bearer ${user.token}`)).status).toBe(200);
    const refused = [
      `Basic ${user.token}`,
      user.token,
      "Bearer",
      "Bearer ",
      `Bearer ${user.token} x`,
      `Bearer,${user.token}`,
      `Bearer ${user.token}, Bearer ${user.token}`,
    ];
    for (const text of refused) expectProblem(await scheme(text), 401, "unauthenticated");
  });

  it("is the only place for a token: query parameters and cookies are ignored", async () => {
    expectProblem(await send(`/v1/auth/me?access_token=${user.token}`), 401, "unauthenticated");
    const headers = { Cookie: `access_token=${user.token}` };
    expectProblem(await send("/v1/auth/me", { headers }), 401, "unauthenticated");
  });

  it("together with X-API-Key returns 400 conflicting_credentials", async () => {
    const headers = { "X-API-Key": "whatever" };
    const answer = await send("/v1/auth/me", { token: user.token, headers });
    expectProblem(answer, 400, "conflicting_credentials");
  });
});

describe("a token whose claims grant more than its session", () => {
  it("gets what D1 grants, not what it claims", async () => {
    const token = await forge(user.token, {}, { role: "admin", scope: "users:read users:delete" });
    expectProblem(await send("/v1/users", { token }), 403, "forbidden");
  });

  it("returns 401 if its sub is not the owner of its session, or its session is unknown", async () => {
    const admin = await createTestUser("admin");
    expectProblem(
      await readMe(await forge(user.token, {}, { sub: admin.id })),
      401,
      "unauthenticated",
    );
    const sid = decodeJwt(admin.token).sid as string;
    expectProblem(
      await send("/v1/users", { token: await forge(user.token, {}, { sid }) }),
      401,
      "unauthenticated",
    );
    expectProblem(
      await readMe(await forge(user.token, {}, { sid: crypto.randomUUID() })),
      401,
      "unauthenticated",
    );
  });
});

describe("signing-key rotation", () => {
  it("accepts tokens of the old key, signs with the new one, and refuses a removed key", async () => {
    const next = await newSigningJwk();
    const keys = (...jwks: (JWK | undefined)[]) => ({
      ...env,
      SIGNING_KEYS: JSON.stringify({ keys: jwks }),
    });
    const rotated = keys(next, SIGNING_JWK);
    expect((await readMe(user.token, rotated)).status).toBe(200);
    const body = { username: user.username, password: "SecurePass123!" };
    const { body: tokens } = await send("/v1/auth/login", { body, bindings: rotated });
    expect(decodeProtectedHeader(tokens.access_token).kid).toBe(next.kid);
    const removed = await readMe(user.token, keys(next));
    expectProblem(removed, 401, "unauthenticated");
    expect(costOf(removed).queries).toBe(0);
    expect((await readMe(tokens.access_token, keys(next))).status).toBe(200);
  });
});
