import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, type TestUser } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

let user: TestUser;

beforeAll(async () => {
  user = await createTestUser();
});

const put = (body: unknown) =>
  send("/v1/users/me/profile", { method: "PUT", body, token: user.token });
const patch = (body: unknown) =>
  send("/v1/users/me/profile", { method: "PATCH", body, token: user.token });
const raw = (text: string) =>
  send("/v1/users/me/profile", {
    method: "PATCH",
    raw: text,
    token: user.token,
    headers: { "Content-Type": "application/json" },
  });

const ofBytes = (bytes: number) => ({ k: "x".repeat(bytes - '{"k":""}'.length) });

describe("a profile", () => {
  it.each([
    ["display_name", "A".repeat(100)],
    ["display_name", "👩‍🚀"],
    ["display_name", "王小明"],
    ["bio", "x".repeat(2000)],
    ["bio", "one\ntwo\r\nthree\tfour"],
    ["avatar_url", "https://images.example/a.png?size=2#x"],
    ["phone", "+41446681800"],
    ["phone", "+1234567"],
    ["locale", "de"],
    ["locale", "zh-Hant-TW"],
    ["timezone", "Europe/Zurich"],
    ["timezone", "UTC"],
    ["timezone", "America/Argentina/Buenos_Aires"],
  ])("accepts %s %j", async (field, value) => {
    const answer = await put({ [field]: value });
    expect([answer.status, answer.body[field]]).toEqual([200, value]);
  });

  it.each([
    ["display_name", "A".repeat(101), "too_long"],
    ["display_name", "a\nb", "invalid_characters"],
    ["display_name", "a\u0000b", "invalid_characters"],
    ["display_name", "\u202Eevil", "invalid_characters"],
    ["display_name", 7, "invalid_type"],
    ["bio", "x".repeat(2001), "too_long"],
    ["bio", "a\u200Bb", "invalid_characters"],
    ["bio", "a\u001bb", "invalid_characters"],
    ["avatar_url", "http://images.example/a.png", "invalid_format"],
    ["avatar_url", "javascript:alert(1)", "invalid_format"],
    ["avatar_url", "data:image/png;base64,AA", "invalid_format"],
    ["avatar_url", "//images.example/a.png", "invalid_format"],
    ["avatar_url", "https://ada@images.example/a.png", "invalid_format"],
    ["avatar_url", "https://:secret@images.example/a.png", "invalid_format"],
    ["avatar_url", "", "invalid_format"],
    ["avatar_url", `https://x.example/${"a".repeat(2048)}`, "too_long"],
    ["phone", "0446681800", "invalid_format"],
    ["phone", "+0446681800", "invalid_format"],
    ["phone", "+41 44 668 18 00", "invalid_format"],
    ["phone", "+1234567890123456", "invalid_format"],
    ["phone", "+41446681800\n", "invalid_format"],
    ["locale", "de_CH", "invalid_format"],
    ["locale", "en--GB", "invalid_format"],
    ["locale", "", "invalid_format"],
    ["timezone", "Mars/Olympus", "invalid_format"],
    ["timezone", "+01:00", "invalid_format"],
    ["timezone", "", "invalid_format"],
    ["metadata", [1], "invalid_type"],
    ["metadata", "text", "invalid_type"],
    ["metadata", 7, "invalid_type"],
    ["metadata", ofBytes(4097), "too_long"],
  ])("refuses %s %j with 422 %s", async (field, value, code) => {
    for (const write of [put, patch]) {
      const answer = await write({ [field]: value });
      expect(answer.status).toBe(422);
      expect(faultsOf(answer)).toContain(`${field} ${code}`);
    }
  });

  it("reports every fault at once, and refuses unknown and protected fields", async () => {
    const answer = await put({ phone: "x", locale: "x_y", user_id: user.id, version: 7 });
    expect(faultsOf(answer).map((fault) => fault.split(" ")[0])).toEqual(
      expect.arrayContaining(["phone", "locale"]),
    );
    expect((await put({ role: "admin" })).status).toBe(422);
    expect((await raw("[]")).status).toBe(422);
    expect((await raw("null")).status).toBe(422);
    expectProblem(await raw("{"), 400, "malformed_json");
  });
});

describe("the metadata of a profile", () => {
  it("is limited to 4,096 bytes of JSON in UTF-8", async () => {
    expect((await put({ metadata: ofBytes(4096) })).status).toBe(200);
    expect(faultsOf(await put({ metadata: { k: "é".repeat(2045) } }))).toEqual([
      "metadata too_long",
    ]);
  });

  it("is limited to the same size after merging", async () => {
    await put({ metadata: ofBytes(4090) });
    expect(faultsOf(await patch({ metadata: { l: "more" } }))).toEqual(["metadata too_long"]);
    const { body } = await send("/v1/users/me/profile", { token: user.token });
    expect(body.metadata).toEqual(ofBytes(4090));
    expect((await patch({ metadata: { k: null, l: "more" } })).body.metadata).toEqual({
      l: "more",
    });
  });

  it("is not a way to pollute prototypes with the keys __proto__ and constructor", async () => {
    await put({});
    const answer = await raw('{"metadata":{"__proto__":{"isAdmin":true},"constructor":{"x":1}}}');
    expect([200, 422]).toContain(answer.status);
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
    const { text } = await send("/v1/users/me", { token: user.token });
    expect(text).not.toContain("isAdmin");
  });

  it("is refused without a crash if nested 10,000 levels deep", async () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      const deep = `{"metadata":{"a":${open.repeat(10_000)}1${close.repeat(10_000)}}}`;
      const answer = await raw(deep);
      expect([400, 413, 422]).toContain(answer.status);
    }
  });

  it("stores text in any script and numbers unchanged", async () => {
    const metadata = {
      name: "王小明 👩‍🚀 \u0000",
      n: -1.5e-7,
      yes: true,
      none: null,
      list: [null],
    };
    const answer = await put({ metadata });
    expect(answer.body.metadata).toEqual(metadata);
  });
});
