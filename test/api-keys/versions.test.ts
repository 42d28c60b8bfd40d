import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { createTestKey, sendWithKey, type TestKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { actionsOn, auditOf, createTestUser, sqlAll, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const CHANGE = /^update "api_keys"/;

interface Options {
  ifMatch?: string;
  bindings?: Cloudflare.Env;
}

let ada: TestUser;
let key: TestKey;

beforeEach(async () => {
  ada = await createTestUser("moderator");
  key = await createTestKey(ada, ["users:read"]);
});

const get = (headers = {}) => send(`/v1/api-keys/${key.id}`, { token: ada.token, headers });
const etagOf = async () => (await get()).headers.get("ETag") ?? "";

function write(method: string, end: string, body: unknown, { ifMatch, bindings }: Options = {}) {
  return send(`/v1/api-keys/${key.id}${end}`, {
    method,
    token: ada.token,
    ...(body !== undefined && { body }),
    ...(ifMatch !== undefined && { headers: { "If-Match": ifMatch } }),
    ...(bindings && { bindings }),
  });
}

const patch = (body: unknown, options?: Options) => write("PATCH", "", body, options);
const rotate = (options?: Options) => write("POST", "/rotate", undefined, options);
const revoke = (options?: Options) => write("DELETE", "", undefined, options);

const WRITES: [string, (options?: Options) => Promise<Answer>][] = [
  ["PATCH", (options) => patch({ name: "Weekly" }, options)],
  ["rotate", rotate],
  ["DELETE", revoke],
];

describe("the ETag of an API key", () => {
  it("is strong, and given by GET, POST, PATCH and rotate; each change gives another one", async () => {
    const first = await get();
    const tags = [first.headers.get("ETag")];
    expect(tags[0]).toBe(`"1-${key.id.slice(-12)}"`);
    expect(first.headers.get("Cache-Control")).toBe("private, no-cache");
    expect("version" in first.body).toBe(false);
    const answers = [
      await patch({ name: "Weekly" }),
      await patch({ scopes: [] }),
      await patch({ expires_at: "2099-01-01T00:00:00Z" }),
      await rotate(),
    ];
    tags.push(...answers.map(({ headers }) => headers.get("ETag")));
    expect(tags[4]).toBe(await etagOf());
    await revoke();
    tags.push(await etagOf());
    expect(tags).toEqual(tags.map((_, i) => `"${i + 1}-${key.id.slice(-12)}"`));
  });

  it("comes with a response that shows the secret, which nobody may store", async () => {
    const body = { name: "Nightly export", scopes: [] };
    const created = await send("/v1/api-keys", { token: ada.token, body });
    expect(created.headers.get("ETag")).toBe(`"1-${created.body.id.slice(-12)}"`);
    for (const answer of [created, await rotate()]) {
      expect(answer.body.key).toMatch(/^rstk_/);
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
    }
  });

  it("does not change if nothing changes, nor by using the key", async () => {
    const etag = await etagOf();
    const same = await patch({ name: "Nightly export", scopes: ["users:read"] });
    expect([same.status, same.headers.get("ETag")]).toEqual([200, etag]);
    expect((await sendWithKey(key, "/v1/users")).status).toBe(200);
    const used = await get();
    expect(used.body.last_used_at).toEqual(expect.any(String));
    expect(used.headers.get("ETag")).toBe(etag);
  });

  it("changes when the key is revoked because its owner is deleted", async () => {
    const admin = await createTestUser("admin");
    const read = () => send(`/v1/api-keys/${key.id}`, { token: admin.token });
    const etag = (await read()).headers.get("ETag");
    await send(`/v1/users/${ada.id}`, { method: "DELETE", token: admin.token });
    const after = await read();
    expect(after.body.revoked_at).toEqual(expect.any(String));
    expect(after.headers.get("ETag")).not.toBe(etag);
  });

  it("lets a client that has the current version get 304 without a body", async () => {
    const etag = await etagOf();
    for (const given of [etag, `W/${etag}`, `"0", ${etag}`, "*"]) {
      const answer = await get({ "If-None-Match": given });
      expect([answer.status, answer.text, answer.headers.get("ETag")]).toEqual([304, "", etag]);
    }
    await patch({ name: "Weekly" });
    expect((await get({ "If-None-Match": etag })).status).toBe(200);
  });
});

describe("If-Match on an API key", () => {
  it.each(WRITES)("accepts the current version: %s", async (_, act) => {
    expect((await act({ ifMatch: await etagOf() })).status).toBeLessThan(300);
    expect((await actionsOn(key.id)).length).toBe(2);
  });

  it.each(WRITES)("accepts a list and *: %s", async (_, act) => {
    const listed = await act({ ifMatch: `"0", ${await etagOf()}` });
    expect(listed.status).toBeLessThan(300);
    expect((await act({ ifMatch: "*" })).status).toBeLessThan(300);
  });

  it.each(WRITES)("that is stale, weak or empty is 412 and changes nothing: %s", async (_, act) => {
    const before = await sqlAll("SELECT * FROM api_keys WHERE id = ?", key.id);
    for (const ifMatch of ['"0"', `W/${await etagOf()}`, ""]) {
      expectProblem(await act({ ifMatch }), 412, "version_conflict");
    }
    expect(await sqlAll("SELECT * FROM api_keys WHERE id = ?", key.id)).toEqual(before);
    expect(await actionsOn(key.id)).toEqual(["api_key.created"]);
    expect((await sendWithKey(key, "/v1/users")).status).toBe(200);
  });

  it.each(WRITES)("is decided when the change is written: %s", async (_, act) => {
    const ifMatch = await etagOf();
    const bindings = beforeStatement(CHANGE, () => patch({ name: "Other" }));
    expectProblem(await act({ ifMatch, bindings }), 412, "version_conflict");
    expect(await actionsOn(key.id)).toEqual(["api_key.created", "api_key.updated"]);
    expect((await get()).body).toMatchObject({ name: "Other", revoked_at: null });
  });

  it("lets one of two rotations with one ETag succeed, and the other one gets 412 and no secret", async () => {
    const ifMatch = await etagOf();
    const answers = await Promise.all([rotate({ ifMatch }), rotate({ ifMatch })]);
    const [one, other] = answers.toSorted((a, b) => a.status - b.status);
    expect(one?.status).toBe(200);
    expectProblem(other as Answer, 412, "version_conflict");
    expect((await sendWithKey(one?.body, "/v1/users")).status).toBe(200);
  });

  it("does not come before ownership and existence", async () => {
    const stranger = await createTestUser();
    const headers = { "If-Match": '"0"' };
    const options = { method: "DELETE", headers };
    const path = `/v1/api-keys/${key.id}`;
    expectProblem(await send(path, { ...options, token: stranger.token }), 403, "forbidden");
    const { token } = await createTestUser("admin");
    const unknown = await send(`/v1/api-keys/${ada.id}`, { ...options, token });
    expectProblem(unknown, 404, "api_key_not_found");
  });
});

describe("two changes of an API key at once without If-Match", () => {
  it("both take effect, whichever field each changes", async () => {
    const bindings = beforeStatement(CHANGE, () => patch({ name: "Weekly" }));
    const answer = await patch({ scopes: ["sessions:read"] }, { bindings });
    expect(answer.body).toMatchObject({ name: "Weekly", scopes: ["sessions:read"] });
    expect(answer.headers.get("ETag")).toMatch(/^"3-/);
    const [, first, second] = (await auditOf(key.id)).map(({ changes }) =>
      JSON.parse(changes ?? "{}"),
    );
    expect([Object.keys(first), Object.keys(second)]).toEqual([["name"], ["scopes"]]);
  });
});
