import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, newAccount } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const JSON_TYPE = { "Content-Type": "application/json" };

describe("a problem document", () => {
  it("is 404 not_found for an unknown path, under /v1 and elsewhere", async () => {
    for (const path of ["/nothing", "/v1", "/v1/nothing", "/v2/users", "/favicon.ico"]) {
      expectProblem(await send(path), 404, "not_found");
    }
  });

  it("is 405 with the allowed methods for a wrong method", async () => {
    const cases: [string, string, string[]][] = [
      ["/v1/users", "PUT", ["GET", "HEAD", "POST"]],
      ["/v1/users", "DELETE", ["GET", "HEAD", "POST"]],
      ["/v1/users/me", "POST", ["DELETE", "GET", "HEAD", "PATCH", "PUT"]],
      ["/v1/auth/login", "GET", ["POST"]],
      ["/v1/auth/me", "POST", ["GET", "HEAD"]],
      ["/health", "POST", ["GET", "HEAD"]],
    ];
    for (const [path, method, methods] of cases) {
      const answer = await send(path, { method });
      expectProblem(answer, 405, "method_not_allowed");
      const allowed = answer.headers.get("Allow")?.split(/, */).sort();
      expect(allowed).toEqual(methods);
    }
  });

  it("is 400 malformed_json for malformed JSON", async () => {
    const headers = JSON_TYPE;
    const texts = ["{", "{'a':1}", '{"a":1,}', "nope", '{"a":1}{"b":2}', "\u0000", '{"a":\u0001}'];
    for (const raw of texts) {
      expectProblem(await send("/v1/auth/login", { raw, headers }), 400, "malformed_json");
    }
  });

  it("is 400 malformed_json only for callers who may call the operation", async () => {
    const sendTo = (token?: string) =>
      send("/v1/roles", { raw: "{", headers: JSON_TYPE, ...(token && { token }) });
    const [admin, moderator] = [await createTestUser("admin"), await createTestUser("moderator")];
    expectProblem(await sendTo(admin.token), 400, "malformed_json");
    expectProblem(await sendTo(moderator.token), 403, "forbidden");
    expectProblem(await sendTo(), 401, "unauthenticated");
    await send("/v1/auth/logout", { method: "POST", token: admin.token });
    expectProblem(await sendTo(admin.token), 401, "unauthenticated");
  });

  it("is 400 malformed_json for invalid UTF-8", async () => {
    const raw = new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]);
    const headers = JSON_TYPE;
    expectProblem(await send("/v1/auth/login", { raw, headers }), 400, "malformed_json");
  });

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonx",
    "application/json-patch+json",
    "application/ld+json",
    "text/json",
    "application/json, text/plain",
    "json",
  ])("is 415 unsupported_media_type for a body of type %s", async (type) => {
    const raw = JSON.stringify(newAccount());
    const answer = await send("/v1/auth/register", { raw, headers: { "Content-Type": type } });
    expectProblem(answer, 415, "unsupported_media_type");
  });

  it("is 415 for a body without a type", async () => {
    const raw = new TextEncoder().encode(JSON.stringify(newAccount()));
    expectProblem(await send("/v1/auth/register", { raw }), 415, "unsupported_media_type");
  });

  it.each([
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON",
    "application/json ; charset=UTF-8",
    "application/json;",
  ])("is not returned for a body of type %s", async (type) => {
    const answer = await send("/v1/auth/register", {
      raw: JSON.stringify(newAccount()),
      headers: { "Content-Type": type },
    });
    expect(answer.status).toBe(201);
  });

  it("links to the error's documentation on this service, whatever Host and Forwarded say", async () => {
    const headers = {
      Forwarded: "host=evil.example",
      "X-Forwarded-Host": "evil.example",
      Origin: "https://evil.example",
    };
    const { body } = await send("/v1/auth/me", { headers });
    expect(body.type).toBe("https://roster.test/docs/errors#unauthenticated");
    const elsewhere = await send("/v1/auth/me", {
      bindings: { ...env, APP_URL: "https://id.example/" } as typeof env,
    });
    expect(elsewhere.body.type).toBe("https://id.example/docs/errors#unauthenticated");
  });

  it("lists at most 100 faults", async () => {
    const body = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`field${i}`, i]));
    const answer = await send("/v1/auth/login", { body });
    expectProblem(answer, 422, "validation_failed");
    expect(answer.body.errors).toHaveLength(100);
  });

  it("has WWW-Authenticate with every 401", async () => {
    const answers = [
      await send("/v1/auth/me"),
      await send("/v1/users/me", { method: "DELETE", token: "x.y.z" }),
      await send("/v1/auth/login", { body: { username: "nobody", password: "wrong password" } }),
      await send("/v1/auth/refresh", { body: { refresh_token: "x" } }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer realm="roster"/);
    }
  });

  it("has the same status and no body for HEAD", async () => {
    const { token } = await createTestUser();
    for (const path of ["/health", "/v1/users/me", "/v1/auth/me", "/openapi.json", "/docs"]) {
      const answer = await send(path, { method: "HEAD", token });
      expect({ path, status: answer.status, text: answer.text }).toEqual({
        path,
        status: 200,
        text: "",
      });
    }
    expect((await send("/v1/nothing", { method: "HEAD" })).status).toBe(404);
  });
});
