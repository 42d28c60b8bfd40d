import { describe, expect, it } from "vitest";
import { PERMISSION_NAMES, PERMISSIONS } from "../../src/access/permissions.ts";
import { costOf, send } from "../support/api.ts";
import { createHolder, setRole } from "../support/credentials.ts";
import { createRoleRow, createTestUser, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createIsolate, currentIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

async function walk(path: string, token: string, limit: number): Promise<string[]> {
  const names: string[] = [];
  let cursor = "";
  do {
    const { body } = await send(`${path}?limit=${limit}${cursor}`, { token });
    expect(body.data.length).toBeLessThanOrEqual(limit);
    names.push(...body.data.map(({ name }: { name: string }) => name));
    const { has_more, next_cursor } = body.pagination;
    expect(has_more).toBe(next_cursor !== null);
    cursor = next_cursor === null ? "" : `&cursor=${encodeURIComponent(next_cursor)}`;
  } while (cursor);
  return names;
}

const createRole = (token: string, name: string, permissions: string[] = []) =>
  send("/v1/roles", { token, body: { name, permissions } });

describe("GET /v1/permissions", () => {
  it("lists every permission with its description, by name", async () => {
    const { token } = await createHolder("roles:read");
    const { status, body } = await send("/v1/permissions", { token });
    expect(status).toBe(200);
    expect(body.data).toEqual(
      PERMISSION_NAMES.toSorted().map((name) => ({
        name,
        description: PERMISSIONS[name],
        is_system: true,
      })),
    );
    expect(body.pagination).toEqual({ limit: 100, has_more: false, next_cursor: null });
  });

  it("lists every permission exactly once across pages", async () => {
    const { token } = await createHolder("roles:read");
    expect(await walk("/v1/permissions", token, 4)).toEqual(PERMISSION_NAMES.toSorted());
    const added = ["aa:first", "s:middle", "zz:last"];
    for (const name of added) {
      await sqlRun("INSERT INTO custom_permissions VALUES (?, 'Ours.', 0)", name);
    }
    const all = [...PERMISSION_NAMES, ...added].sort();
    for (const limit of [1, 4, 100]) {
      expect(await walk("/v1/permissions", token, limit)).toEqual(all);
    }
  });

  it("returns 401 without a token and 403 without roles:read", async () => {
    expectProblem(await send("/v1/permissions"), 401, "unauthenticated");
    const { token } = await createTestUser("moderator");
    expectProblem(await send("/v1/permissions", { token }), 403, "forbidden");
  });
});

describe("GET /v1/roles", () => {
  it("lists the system roles with their documented permissions", async () => {
    const { token } = await createTestUser("admin");
    const { status, body } = await send("/v1/roles?limit=100", { token });
    expect(status).toBe(200);
    const granted = (role: string) => {
      const found = body.data.find(({ name }: { name: string }) => name === role);
      expect(found).toMatchObject({ is_system: true, description: expect.stringMatching(/./) });
      return found.permissions;
    };
    expect(granted("user")).toEqual([]);
    expect(granted("moderator")).toEqual([
      "sessions:read",
      "sessions:revoke",
      "users:read",
      "users:update",
    ]);
    expect(granted("admin")).toEqual(PERMISSION_NAMES.toSorted());
  });

  it("returns only the documented fields of a role", async () => {
    const { token } = await createTestUser("admin");
    await createRole(token, "plain", ["users:read"]);
    const { body } = await send("/v1/roles/plain", { token });
    expect(body).toEqual({
      name: "plain",
      description: "",
      permissions: ["users:read"],
      require_mfa: false,
      is_system: false,
      created_at: expect.stringMatching(TIMESTAMP),
      updated_at: expect.stringMatching(TIMESTAMP),
    });
  });

  it("lists every role exactly once across pages, by name, while others are created and deleted", async () => {
    const { token } = await createTestUser("admin");
    for (const name of ["aa1", "aa2", "b1"]) await createRole(token, name);
    const all = await walk("/v1/roles", token, 100);
    expect(all).toEqual(all.toSorted());
    expect(await walk("/v1/roles", token, 2)).toEqual(all);
    const first = await send("/v1/roles?limit=2", { token });
    await send("/v1/roles/b1", { method: "DELETE", token });
    const { next_cursor } = first.body.pagination;
    const next = await send(`/v1/roles?limit=2&cursor=${next_cursor}`, { token });
    const behind = all.filter((name) => name > String(first.body.data[1].name) && name !== "b1");
    expect(next.body.data.map(({ name }: { name: string }) => name)).toEqual(behind.slice(0, 2));
  });

  it.each([
    ["limit=0", "limit too_small"],
    ["limit=101", "limit too_big"],
    ["cursor=x", "cursor invalid_cursor"],
    ["colour=red", "colour unknown_field"],
  ])("returns 422 for ?%s", async (query, fault) => {
    const { token } = await createTestUser("admin");
    const answer = await send(`/v1/roles?${query}`, { token });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual([fault]);
  });

  it("returns 422 for a cursor of another list", async () => {
    const { token } = await createTestUser("admin");
    const { body } = await send("/v1/permissions?limit=1", { token });
    const answer = await send(`/v1/roles?cursor=${body.pagination.next_cursor}`, { token });
    expectProblem(answer, 422, "validation_failed");
  });
});

describe("GET /v1/roles/{name}", () => {
  it("returns 404 for an unknown role and 422 for a malformed name", async () => {
    const { token } = await createTestUser("admin");
    expectProblem(await send("/v1/roles/nobodys", { token }), 404, "role_not_found");
    for (const name of ["Admin", "1st", "a.b", "%0A", "a".repeat(51)]) {
      expectProblem(await send(`/v1/roles/${name}`, { token }), 422, "validation_failed");
    }
  });

  it("returns 401 without a token, and 403 without roles:read whether or not the role exists", async () => {
    const { token } = await createTestUser("moderator");
    for (const name of ["user", "nobodys"]) {
      expectProblem(await send(`/v1/roles/${name}`), 401, "unauthenticated");
      expectProblem(await send(`/v1/roles/${name}`, { token }), 403, "forbidden");
    }
  });
});

const ONE_ROUND_TRIP = { queries: 1, kvReads: 0, kvWrites: 0 };

describe("a change in one isolate", () => {
  it("to a role is visible immediately in every isolate, in one D1 round trip", async () => {
    const { token } = await createTestUser("admin");
    const isolates = [currentIsolate(), createIsolate(), createIsolate()];
    const expectEverywhere = async (role: unknown) => {
      for (const bindings of isolates) {
        const one = await send("/v1/roles/fresh", { token, bindings });
        if (role) expect(one.body).toEqual(role);
        else expectProblem(one, 404, "role_not_found");
        const all = await send("/v1/roles?limit=100", { token, bindings });
        const listed = all.body.data.filter(({ name }: { name: string }) => name === "fresh");
        expect(listed).toEqual(role ? [role] : []);
        for (const answer of [one, all]) expect(costOf(answer)).toMatchObject(ONE_ROUND_TRIP);
      }
    };
    await expectEverywhere(undefined);
    await expectEverywhere((await createRole(token, "fresh")).body);
    const body = { description: "Now.", permissions: ["users:read"] };
    const replaced = await send("/v1/roles/fresh", { method: "PUT", token, body });
    expect(replaced.body).toMatchObject(body);
    await expectEverywhere(replaced.body);
    await send("/v1/roles/fresh", { method: "DELETE", token });
    await expectEverywhere(undefined);
  });

  const TAKEN_AWAY: [string, (helper: TestUser, role: string) => Promise<unknown>][] = [
    [
      "to the permissions of a role",
      (_, role) => sqlRun("UPDATE roles SET permissions = '[]' WHERE name = ?", role),
    ],
    ["to the role of a user", (helper) => setRole(helper, "user")],
  ];

  it.each(TAKEN_AWAY)(
    "%s applies immediately in every isolate, in one D1 round trip",
    async (_, takeAway) => {
      const role = `helper-${crypto.randomUUID()}`;
      await createRoleRow(role, ["roles:read"]);
      const helper = await createTestUser(role);
      const isolates = [currentIsolate(), createIsolate()];
      const read = (bindings: Cloudflare.Env) =>
        send("/v1/roles", { token: helper.token, bindings });
      for (const bindings of isolates) expect((await read(bindings)).status).toBe(200);
      await takeAway(helper, role);
      for (const bindings of isolates) {
        const answer = await read(bindings);
        expectProblem(answer, 403, "forbidden");
        expect(costOf(answer)).toMatchObject(ONE_ROUND_TRIP);
      }
    },
  );
});
