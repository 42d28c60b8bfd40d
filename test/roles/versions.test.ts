import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeEachStatement, beforeStatement } from "../support/d1.ts";
import { actionsOn, auditOf, createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const UPDATE = /^update "roles"/;
const DELETE = /^delete from "roles"/;
interface Conditions {
  ifMatch?: string;
  bindings?: Cloudflare.Env;
}

const STALE = ['"0"', '"0-support"', ""];

let token: string;
let name: string;
let counter = 0;

beforeEach(async () => {
  ({ token } = await createTestUser("admin"));
  counter += 1;
  name = `support-${counter}`;
  await create();
});

const create = () =>
  send("/v1/roles", { token, body: { name, description: "Helps.", permissions: ["users:read"] } });
const get = (headers = {}) => send(`/v1/roles/${name}`, { token, headers });
const put = (body: unknown, more: Conditions = {}) => write("PUT", { ...more, body });
const remove = (more: Conditions = {}) => write("DELETE", more);

function write(method: string, { ifMatch, ...rest }: Conditions & { body?: unknown }) {
  const headers = ifMatch === undefined ? {} : { "If-Match": ifMatch };
  return send(`/v1/roles/${name}`, { method, token, headers, ...rest });
}

const etagOf = async (role = name) =>
  (await send(`/v1/roles/${role}`, { token })).headers.get("ETag") ?? "";

const changesOf = async () =>
  (await auditOf(name))
    .filter(({ action }) => action === "role.updated")
    .map(({ changes }) => JSON.parse(changes ?? "{}"));

describe("the ETag of a role", () => {
  it("is strong, differs between roles, and is given by GET, POST and PUT", async () => {
    const first = await get();
    const etag = first.headers.get("ETag");
    expect(etag).toMatch(/^"1-[0-9a-z_-]{12}"$/);
    expect(first.headers.get("Cache-Control")).toBe("private, no-cache");
    expect("version" in first.body).toBe(false);
    const created = await send("/v1/roles", {
      token,
      body: { name: `${name}-b`, permissions: [] },
    });
    expect(created.headers.get("ETag")).toBe(await etagOf(`${name}-b`));
    expect(created.headers.get("ETag")).not.toBe(etag);
    const changed = await put({ permissions: [] });
    expect(changed.headers.get("ETag")).toMatch(/^"2-/);
    expect(changed.headers.get("ETag")).toBe(await etagOf());
  });

  it("stays the same if nothing changes", async () => {
    const etag = await etagOf();
    const same = await put({ description: "Helps.", permissions: ["users:read"] });
    expect([same.status, same.headers.get("ETag")]).toEqual([200, etag]);
    expect(await etagOf()).toBe(etag);
  });

  it("lets a client that has the current version get 304 without a body", async () => {
    const etag = await etagOf();
    for (const given of [etag, `W/${etag}`, `"0", ${etag}`, "*"]) {
      const answer = await get({ "If-None-Match": given });
      expect([answer.status, answer.text, answer.headers.get("ETag")]).toEqual([304, "", etag]);
    }
    await put({ permissions: [] });
    expect((await get({ "If-None-Match": etag })).status).toBe(200);
  });

  it("of a role that is deleted and created again is another one", async () => {
    const etag = await etagOf();
    expect((await remove()).status).toBe(204);
    expect((await create()).status).toBe(201);
    expect(await etagOf()).not.toBe(etag);
    expectProblem(await put({ permissions: [] }, { ifMatch: etag }), 412, "version_conflict");
  });

  it("of admin changes when a permission of the application is added or deleted", async () => {
    const tags = [await etagOf("admin")];
    const permission = `orders${counter}:ship`;
    const body = { name: permission, description: "" };
    expect((await send("/v1/permissions", { token, body })).status).toBe(201);
    tags.push(await etagOf("admin"));
    const gone = await send(`/v1/permissions/${permission}`, { method: "DELETE", token });
    expect(gone.status).toBe(204);
    tags.push(await etagOf("admin"));
    expect(new Set(tags).size).toBe(3);
  });
});

describe("If-Match on a role", () => {
  it("accepts the current version, alone, in a list or as *", async () => {
    for (const [i, form] of ["?", '"0", ?', "*"].entries()) {
      const ifMatch = form.replace("?", await etagOf());
      const answer = await put({ description: `${i}`, permissions: [] }, { ifMatch });
      expect([answer.status, answer.body.description]).toEqual([200, `${i}`]);
    }
    expect((await remove({ ifMatch: await etagOf() })).status).toBe(204);
  });

  it("that is stale, weak or empty is 412 to PUT and DELETE, which change and record nothing", async () => {
    const etag = await etagOf();
    for (const ifMatch of [...STALE, `W/${etag}`]) {
      expectProblem(await put({ permissions: [] }, { ifMatch }), 412, "version_conflict");
      expectProblem(await remove({ ifMatch }), 412, "version_conflict");
    }
    expect(await etagOf()).toBe(etag);
    expect(await actionsOn(name)).toEqual(["role.created"]);
  });

  it("that is stale is 412 even if nothing would change", async () => {
    const same = { description: "Helps.", permissions: ["users:read"] };
    expectProblem(await put(same, { ifMatch: '"0"' }), 412, "version_conflict");
  });

  it("does not come before permission and existence", async () => {
    const { token: other } = await createTestUser("moderator");
    const headers = { "If-Match": '"0"' };
    const options = { method: "DELETE", headers };
    const path = `/v1/roles/${name}`;
    expectProblem(await send(path, { ...options, token: other }), 403, "forbidden");
    const unknown = await send("/v1/roles/nobodys", { ...options, token });
    expectProblem(unknown, 404, "role_not_found");
  });

  it("of two PUTs with one ETag lets one succeed: one 200, one 412, one event", async () => {
    const ifMatch = await etagOf();
    const other = async () => {
      const answer = await put({ description: "First.", permissions: [] }, { ifMatch });
      expect(answer.status).toBe(200);
    };
    const bindings = beforeStatement(UPDATE, other);
    const second = await put({ description: "Second.", permissions: [] }, { ifMatch, bindings });
    expectProblem(second, 412, "version_conflict");
    expect((await get()).body.description).toBe("First.");
    expect(await actionsOn(name)).toEqual(["role.created", "role.updated"]);
    const tag = await etagOf();
    const both = ["a", "b"].map((description) =>
      put({ description, permissions: [] }, { ifMatch: tag }),
    );
    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([200, 412]);
  });

  it("keeps DELETE from deleting what changed between read and write", async () => {
    const ifMatch = await etagOf();
    const bindings = beforeStatement(DELETE, () => put({ permissions: [] }));
    expectProblem(await remove({ ifMatch, bindings }), 412, "version_conflict");
    expect(await actionsOn(name)).toEqual(["role.created", "role.updated"]);
  });
});

describe("a role that is deleted and created again between read and write", () => {
  it.each([
    ["PUT", UPDATE, (more: Conditions) => put({ permissions: [] }, more)],
    ["DELETE", DELETE, (more: Conditions) => remove(more)],
  ] as const)("is not taken for the one that was read: %s", async (_, pattern, act) => {
    const ifMatch = await etagOf();
    const bindings = beforeStatement(pattern, async () => {
      await remove();
      await create();
    });
    expectProblem(await act({ ifMatch, bindings }), 412, "version_conflict");
    expect((await get()).body.description).toBe("Helps.");
  });
});

describe("two changes of a role at once without If-Match", () => {
  it("both take place, one after the other: each event starts where the other one ended", async () => {
    const bindings = beforeStatement(UPDATE, () =>
      put({ description: "First.", permissions: ["users:read", "audit:read"] }),
    );
    const second = await put({ description: "Second.", permissions: ["users:read"] }, { bindings });
    expect(second.body).toMatchObject({ description: "Second.", permissions: ["users:read"] });
    expect(second.headers.get("ETag")).toMatch(/^"3-/);
    expect(await changesOf()).toEqual([
      {
        description: { from: "Helps.", to: "First." },
        permissions: { from: "users:read", to: "audit:read users:read" },
      },
      {
        description: { from: "First.", to: "Second." },
        permissions: { from: "audit:read users:read", to: "users:read" },
      },
    ]);
  });

  it("notice each other even if they end with the same content", async () => {
    const ifMatch = await etagOf();
    const thereAndBack = async () => {
      await put({ description: "Other.", permissions: ["users:read"] });
      await put({ description: "Helps.", permissions: ["users:read"] });
    };
    const bindings = beforeStatement(UPDATE, thereAndBack);
    expectProblem(await put({ permissions: [] }, { ifMatch, bindings }), 412, "version_conflict");
  });

  it("return 409 edit_conflict if another change comes first at every attempt", async () => {
    const bump = () => sqlRun("UPDATE roles SET version = version + 1 WHERE name = ?", name);
    const bindings = beforeEachStatement(UPDATE, bump);
    expectProblem(await put({ permissions: [] }, { bindings }), 409, "edit_conflict");
    expect(await changesOf()).toEqual([]);
    expect((await sqlAll("SELECT name FROM roles WHERE name = ?", name)).length).toBe(1);
  });
});
