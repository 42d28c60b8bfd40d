import { beforeAll, describe, expect, it } from "vitest";
import { costOf, type RequestOptions, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createHolder, createTestKey, sendWithKey, type TestKey } from "../support/credentials.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIntrospector, INACTIVE, introspect } from "../support/introspection.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";
import { forge } from "../support/tokens.ts";

let service: TestKey;

beforeAll(async () => {
  service = await createIntrospector();
});

const ask = (token: string, options: RequestOptions = {}) => introspect(service, token, options);

describe("POST /v1/auth/introspect", () => {
  it("returns exactly the documented RFC 7662 members for an active token", async () => {
    const user = await createHolder("users:read", "sessions:read");
    const { body: me } = await send("/v1/auth/me", { token: user.token });
    const answer = await ask(user.token);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.body).toEqual({
      active: true,
      sub: user.id,
      sid: me.session.id,
      username: user.username,
      role: me.user.role,
      scope: "sessions:read users:read",
      iss: "https://roster.test",
      aud: "roster",
      iat: expect.any(Number),
      exp: answer.body.iat + 900,
      token_type: "Bearer",
    });
  });

  it("accepts a form, ignoring token_type_hint, and JSON", async () => {
    const { token } = await createTestUser();
    const form = new URLSearchParams({ token, token_type_hint: "refresh_token" });
    const headers = { "X-API-Key": service.key };
    const asForm = await send("/v1/auth/introspect", { raw: form, headers });
    expect(asForm.body).toMatchObject({ active: true });
    expect((await ask(token)).body).toEqual(asForm.body);
  });

  it("accepts a user with the permission, and refuses a user or key without it and anonymous callers", async () => {
    const { token } = await createTestUser();
    const holder = await createHolder("tokens:introspect");
    const options = { body: { token } };
    const asHolder = await send("/v1/auth/introspect", { ...options, token: holder.token });
    expect(asHolder.body.active).toBe(true);
    const asUser = await send("/v1/auth/introspect", { ...options, token });
    expectProblem(asUser, 403, "forbidden");
    const other = await createTestKey(await createTestUser("admin"), ["users:read"]);
    expectProblem(await sendWithKey(other, "/v1/auth/introspect", options), 403, "forbidden");
    expectProblem(await send("/v1/auth/introspect", options), 401, "unauthenticated");
  });

  it("refuses a missing token, an unknown field and another media type", async () => {
    expectProblem(await ask("", { body: {} }), 422, "validation_failed");
    expectProblem(await ask("", { body: { token: "x", tokens: "y" } }), 422, "validation_failed");
    const xml = {
      raw: "<token/>",
      headers: { "X-API-Key": service.key, "Content-Type": "text/xml" },
    };
    expectProblem(await send("/v1/auth/introspect", xml), 415, "unsupported_media_type");
  });

  it("returns only inactive for anything but an access token of a live session", async () => {
    const user = await createTestUser();
    const { token, refreshToken } = user;
    const texts = [
      "nonsense",
      refreshToken,
      service.key,
      `${token.slice(0, -4)}AAAA`,
      await forge(token, { typ: "JWT" }),
      await forge(token, {}, { exp: Math.floor(Date.now() / 1000) - 1 }),
      await forge(token, {}, { sid: crypto.randomUUID() }),
      await forge(token, {}, { sub: crypto.randomUUID() }),
      await forge(token, {}, { aud: "another" }),
    ];
    for (const text of texts) {
      const answer = await ask(text);
      expect([answer.status, answer.body]).toEqual([200, INACTIVE]);
    }
  });

  it("costs no D1 query and one KV read in the usual case", async () => {
    const { token } = await createTestUser();
    const bindings = createIsolate();
    await ask(token, { bindings });
    for (let i = 0; i < 3; i += 1) {
      const cost = costOf(await ask(token, { bindings }));
      expect(cost).toMatchObject({ queries: 0, kvReads: 1, kvWrites: 0 });
    }
  });
});

describe("the caller of introspection", () => {
  it("is cached for at most a minute, after which a revoked key is refused", async () => {
    const { at } = stopClock();
    const owner = await createTestUser("admin");
    const key = await createTestKey(owner, ["tokens:introspect"]);
    const { token } = await createTestUser();
    const bindings = createIsolate();
    const askAs = () => sendWithKey(key, "/v1/auth/introspect", { body: { token }, bindings });
    expect((await askAs()).status).toBe(200);
    await send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: owner.token });
    at(60_000);
    expectProblem(await askAs(), 401, "unauthenticated");
  });

  it("is not cached for other operations, which refuse a revoked key immediately", async () => {
    const owner = await createTestUser("admin");
    const key = await createTestKey(owner, ["tokens:introspect", "users:read"]);
    const bindings = createIsolate();
    await sendWithKey(key, "/v1/auth/introspect", { body: { token: owner.token }, bindings });
    await send(`/v1/api-keys/${key.id}`, { method: "DELETE", token: owner.token });
    expectProblem(await sendWithKey(key, "/v1/users", { bindings }), 401, "unauthenticated");
  });
});
