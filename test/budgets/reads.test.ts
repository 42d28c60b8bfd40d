import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { expectWithin, READ, withProductionLimits } from "../support/budgets.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";

describe("reads of the caller's own data cost one round trip", () => {
  for (const path of [
    "/v1/users/me",
    "/v1/auth/me",
    "/v1/users/me/profile",
    "/v1/auth/sessions",
    "/v1/users/me/sessions",
  ]) {
    it(`GET ${path}`, async () => {
      const { token } = await createTestUser();
      expectWithin(await send(path, { token, bindings: withProductionLimits() }), READ);
    });
  }

  it("GET /v1/users/{id}, by an administrator", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("admin");
    expectWithin(await send(`/v1/users/${id}`, { token, bindings: withProductionLimits() }), READ);
  });

  it("GET /v1/api-keys/{id}", async () => {
    const owner = await createTestUser();
    const { id } = await createTestKey(owner, []);
    expectWithin(
      await send(`/v1/api-keys/${id}`, { token: owner.token, bindings: withProductionLimits() }),
      READ,
    );
  });

  it("GET /v1/roles/{name}, also when it returns 304", async () => {
    const { token } = await createTestUser("admin");
    const bindings = withProductionLimits();
    const answer = await send("/v1/roles/admin", { token, bindings });
    expectWithin(answer, READ);
    const headers = { "If-None-Match": answer.headers.get("ETag") ?? "" };
    const again = await send("/v1/roles/admin", { token, bindings, headers });
    expect(again.status).toBe(304);
    expect(costOf(again)).toMatchObject({ queries: 1, rowsWritten: 0, kvReads: 0, kvWrites: 0 });
  });

  it("GET /v1/users/{id} with an API key, whose use is recorded after the response", async () => {
    const owner = await createTestUser("admin");
    const key = await createTestKey(owner, ["users:read"]);
    const answer = await sendWithKey(key, `/v1/users/${owner.id}`, {
      bindings: withProductionLimits(),
    });
    expectWithin(answer, { ...READ, rowsWritten: 1 });
    const again = await sendWithKey(key, "/v1/users/me", { bindings: withProductionLimits() });
    expectWithin(again, READ);
  });
});

describe("requests refused without I/O cost nothing", () => {
  const NO_COST = { queries: 0, rowsRead: 0, rowsWritten: 0, kvReads: 0, kvWrites: 0 };

  it("a forged access token, refresh token and API key", async () => {
    const { token, refreshToken } = await createTestUser();
    const bindings = withProductionLimits();
    const refused = [
      await send("/v1/users/me", { token: `${token.slice(0, -4)}AAAA`, bindings }),
      await send("/v1/auth/refresh", {
        body: { refresh_token: `${refreshToken.slice(0, -4)}AAAA` },
        bindings,
      }),
      await sendWithKey({ key: `rstk_${"0".repeat(72)}` }, "/v1/users/me", { bindings }),
    ];
    for (const answer of refused) {
      expect(answer.status).toBe(401);
      expect(costOf(answer)).toEqual(NO_COST);
    }
  });

  it("a caller over the limit", async () => {
    const { token } = await createTestUser();
    const bindings = createIsolate({ RATE_LIMIT_READ: "2/3600" });
    for (let i = 0; i < 3; i += 1) await send("/v1/users/me", { token, bindings });
    const answer = await send("/v1/users/me", { token, bindings });
    expect(answer.status).toBe(429);
    expect(costOf(answer)).toMatchObject({ queries: 0, rowsRead: 0, rowsWritten: 0 });
    expect(costOf(answer).kvReads + costOf(answer).kvWrites).toBeLessThanOrEqual(1);
  });
});
