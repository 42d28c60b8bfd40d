import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, sqlAll, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

let user: TestUser;
let other: TestUser;

beforeAll(async () => {
  user = await createTestUser();
  other = await createTestUser("admin");
});

const ODD_PATHS = [
  "//v1/users",
  "/v1//users",
  "/v1/users/",
  "/v1/users//",
  "/V1/USERS",
  "/v1/Users",
  "/v1/users%2F",
  "/v1%2Fusers",
  "/%76%31/users",
  "/v1/%75sers",
  "/v1/users/%0A",
  "/v1/users/%E2%80%A8",
  "/v1/users/%2e%2e",
  "/v1/users/..%2Fusers",
  "/v1/users/%252e",
  "/v1/users/.",
  "/v1/./users",
  "/v1/health/../users",
  "/health/../v1/users",
  "/v1/users;x=1",
  "/v1/users.json",
  "/v1/users%00",
  "/v1/users%20",
  "/v1/users?",
  "/v1/users#me",
  "/v1/users/%ff",
  "/v1/users/%",
  "/openapi.json/../v1/users",
  "/docs/assets/..%2F..%2Fv1%2Fusers",
  "/.well-known/../v1/users",
];

const METHODS = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "PROPFIND",
  "PURGE",
  "QUERY",
];

describe("path and method variations", () => {
  it.each(ODD_PATHS)("do not bypass a guard: %s", async (path) => {
    const userCount = (await sqlAll("SELECT id FROM users WHERE deleted_at IS NULL")).length;
    for (const method of METHODS) {
      const anonymous = await send(path, { method });
      expect([401, 404, 405]).toContain(anonymous.status);
      const known = await send(path, { method, token: user.token });
      expect([403, 404, 405, 415, 422]).toContain(known.status);
      expect(known.text).not.toContain(other.email);
    }
    expect((await sqlAll("SELECT id FROM users WHERE deleted_at IS NULL")).length).toBe(userCount);
  });

  it("are not taken from headers that override the method or path", async () => {
    const headers = {
      "X-HTTP-Method-Override": "DELETE",
      "X-HTTP-Method": "DELETE",
      "X-Method-Override": "DELETE",
      "X-Original-URL": "/v1/users",
      "X-Rewrite-URL": "/v1/users",
    };
    const answer = await send("/v1/users/me", { token: user.token, headers });
    expect(answer.body.id).toBe(user.id);
    expect((await send("/v1/users/me?_method=DELETE", { token: user.token })).status).toBe(422);
  });

  it("return 405 for an unknown method on a known path, and 404 elsewhere", async () => {
    expectProblem(await send("/v1/users", { method: "PROPFIND" }), 405, "method_not_allowed");
    expectProblem(await send("/v1/nothing", { method: "PROPFIND" }), 404, "not_found");
  });
});

describe("another user's {id}", () => {
  const operations: [string, string, unknown][] = [
    ["GET", "", undefined],
    ["PUT", "", { first_name: "x" }],
    ["PATCH", "", { first_name: "x" }],
    ["DELETE", "", undefined],
    ["POST", "/restore", undefined],
    ["PUT", "/role", { role: "user" }],
  ];

  it.each(operations)("returns 403 to a user: %s /v1/users/{id}%s", async (method, end, body) => {
    const answer = await send(`/v1/users/${other.id}${end}`, {
      method,
      token: user.token,
      ...(body !== undefined && { body }),
    });
    expectProblem(answer, 403, "forbidden");
  });

  it.each(operations)(
    "returns 401 without credentials: %s /v1/users/{id}%s",
    async (method, end, body) => {
      const answer = await send(`/v1/users/${other.id}${end}`, {
        method,
        ...(body !== undefined && { body }),
      });
      expectProblem(answer, 401, "unauthenticated");
    },
  );
});

describe("a query", () => {
  it("of 100 KB returns 422 without a crash", async () => {
    const { token } = await createTestUser("admin");
    const answer = await send(`/v1/users?${"x".repeat(100_000)}=1`, { token });
    expectProblem(answer, 422, "validation_failed");
    const many = Array.from({ length: 5000 }, (_, i) => `p${i}=1`).join("&");
    expectProblem(await send(`/v1/users?${many}`, { token }), 422, "validation_failed");
  });

  it("on an operation without query parameters returns 422", async () => {
    expectProblem(await send("/v1/auth/login?x=1", { body: {} }), 422, "validation_failed");
    expectProblem(await send("/health?x=1"), 422, "validation_failed");
  });
});
