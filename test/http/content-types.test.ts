import { describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import { createTestUser, newAccount } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const register = (headers: Record<string, string>) =>
  send("/v1/auth/register", { method: "POST", raw: JSON.stringify(newAccount()), headers });

describe("the Content-Type of a body", () => {
  const profile = (method: string, type: string) =>
    createTestUser().then(({ token }) =>
      send("/v1/users/me/profile", {
        method,
        token,
        raw: '{"display_name":"Ada"}',
        headers: { "Content-Type": type },
      }),
    );

  it.each(["utf-16", "UTF-16LE", "iso-8859-1", '"utf-16"', "us-ascii", "utf-8; charset=utf-16"])(
    "with charset=%s returns 415",
    async (charset) => {
      const type = `application/json; charset=${charset}`;
      expectProblem(await register({ "Content-Type": type }), 415, "unsupported_media_type");
    },
  );

  it.each(["charset=utf-8", 'charset="UTF-8"', "charset=utf8"])(
    "with %s is accepted",
    async (parameter) => {
      const type = `application/json; ${parameter}`;
      expect((await register({ "Content-Type": type })).status).toBe(201);
    },
  );

  it("application/merge-patch+json is accepted by PATCH only, and documented", async () => {
    const type = "application/merge-patch+json";
    expect((await profile("PATCH", `${type}; charset=utf-8`)).body.display_name).toBe("Ada");
    expectProblem(await profile("PUT", type), 415, "unsupported_media_type");
    const refused = await profile("PATCH", "text/plain");
    expect(refused.headers.get("Accept-Patch")).toBe(`application/json, ${type}`);
    const { body: document } = await send("/openapi.json");
    const { patch, put } = document.paths["/v1/users/{id}/profile"];
    expect(Object.keys(patch.requestBody.content)).toEqual(["application/json", type]);
    expect(Object.keys(put.requestBody.content)).toEqual(["application/json"]);
  });

  it("is not explained to callers who may not call the operation (found by fuzzing)", async () => {
    const { id } = await createTestUser();
    const { token } = await createTestUser();
    const patch = (options: RequestOptions) =>
      send(`/v1/users/${id}/profile`, {
        method: "PATCH",
        raw: "x",
        headers: { "Content-Type": "text/plain" },
        ...options,
      });
    const refused = await patch({ token });
    expectProblem(refused, 403, "forbidden");
    expect(refused.headers.has("Accept-Patch")).toBe(false);
    const half = await send("/v1/auth/factors/totp", {
      method: "POST",
      raw: "x",
      headers: { "Content-Type": "text/plain" },
    });
    expectProblem(half, 401, "unauthenticated");
  });
});
