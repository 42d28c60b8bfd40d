import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

describe("GET /v1/users/{id}", () => {
  it("returns the caller by id and as me, with an ETag and Cache-Control private", async () => {
    const { id, username, token } = await createTestUser();
    for (const name of [id, "me"]) {
      const answer = await send(`/v1/users/${name}`, { token });
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ id, username, deleted_at: null });
      expect(answer.body.last_login_at).toMatch(/Z$/);
      expect(answer.headers.get("ETag")).toMatch(/^"\d+-[0-9a-f]{12}"$/);
      expect(answer.headers.get("Cache-Control")).toBe("private, no-cache");
    }
  });

  it("accepts ids in upper case", async () => {
    const { id, token } = await createTestUser();
    const moderator = await createTestUser("moderator");
    for (const credential of [token, moderator.token]) {
      const answer = await send(`/v1/users/${id.toUpperCase()}`, { token: credential });
      expect(answer.body.id).toBe(id);
    }
  });

  it("returns any user to a holder of users:read", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser("moderator");
    expect((await send(`/v1/users/${id}`, { token })).body.id).toBe(id);
  });

  it("returns 404 user_not_found for an unknown user to a holder of users:read", async () => {
    const { token } = await createTestUser("moderator");
    expectProblem(await send(`/v1/users/${UNKNOWN_ID}`, { token }), 404, "user_not_found");
  });

  it("returns the same 403 to others whether or not the user exists", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser();
    const existing = await send(`/v1/users/${id}`, { token });
    const missing = await send(`/v1/users/${UNKNOWN_ID}`, { token });
    const malformed = await send("/v1/users/42", { token });
    for (const answer of [existing, missing, malformed]) {
      expectProblem(answer, 403, "forbidden");
      expect(answer.body.detail).toBe(existing.body.detail);
    }
  });

  it.each([
    "42",
    "Me",
    "%0A",
    "%E2%80%A8",
    "%00",
    "..%2Fme",
    "me%0A",
    `${UNKNOWN_ID}%0A`,
    `%7B${UNKNOWN_ID}%7D`,
    "%F0%9F%92%A9",
  ])("returns 422 for the id %s", async (id) => {
    const { token } = await createTestUser("moderator");
    const answer = await send(`/v1/users/${id}`, { token });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["id invalid_format"]);
  });

  it("returns 304 without a body if If-None-Match matches the version", async () => {
    const { token } = await createTestUser();
    const { headers } = await send("/v1/users/me", { token });
    const etag = headers.get("ETag") ?? "";
    for (const given of [etag, `W/${etag}`, `"0", ${etag}`, "*"]) {
      const answer = await send("/v1/users/me", { token, headers: { "If-None-Match": given } });
      expect(answer.status).toBe(304);
      expect(answer.text).toBe("");
      expect(answer.headers.get("ETag")).toBe(etag);
    }
  });

  it("returns 200 if If-None-Match has another version", async () => {
    const { token } = await createTestUser();
    for (const given of ['"999"', "1", "", '"*"']) {
      const answer = await send("/v1/users/me", { token, headers: { "If-None-Match": given } });
      expect(answer.status).toBe(200);
    }
  });

  it("returns a new version after each visible change", async () => {
    const { token, username } = await createTestUser();
    const before = (await send("/v1/users/me", { token })).headers.get("ETag");
    await send("/v1/users/me", { method: "PATCH", token, body: { first_name: "New" } });
    const after = (await send("/v1/users/me", { token })).headers.get("ETag");
    await send("/v1/auth/login", { body: { username, password: "SecurePass123!" } });
    const afterLogin = (await send("/v1/users/me", { token })).headers.get("ETag");
    expect(new Set([before, after, afterLogin]).size).toBe(3);
  });

  it("returns a deleted user only with deleted=true and users:delete", async () => {
    const { id } = await createTestUser();
    const admin = await createTestUser("admin");
    await send(`/v1/users/${id}`, { method: "DELETE", token: admin.token });
    expectProblem(await send(`/v1/users/${id}`, { token: admin.token }), 404, "user_not_found");
    const found = await send(`/v1/users/${id}?deleted=true`, { token: admin.token });
    expect(found.status).toBe(200);
    expect(found.body.deleted_at).toMatch(/Z$/);
    const moderator = await createTestUser("moderator");
    const refused = await send(`/v1/users/${id}?deleted=true`, { token: moderator.token });
    expectProblem(refused, 403, "forbidden");
  });

  it("responds to HEAD like GET, without the body", async () => {
    const { token } = await createTestUser();
    const answer = await send("/v1/users/me", { method: "HEAD", token });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe("");
    expect(answer.headers.get("ETag")).toMatch(/^"\d+-[0-9a-f]{12}"$/);
    expectProblemStatus(await send("/v1/users/me", { method: "HEAD" }));
  });

  it("returns 401 without a token and 422 for an unknown query parameter", async () => {
    expectProblem(await send("/v1/users/me"), 401, "unauthenticated");
    const { token } = await createTestUser();
    const answer = await send("/v1/users/me?fields=id", { token });
    expect(faultsOf(answer)).toEqual(["fields unknown_field"]);
  });
});

function expectProblemStatus({ status, text }: { status: number; text: string }): void {
  expect({ status, text }).toEqual({ status: 401, text: "" });
}
