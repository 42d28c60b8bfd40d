import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  actionsOn,
  auditOf,
  changesOn,
  createTestUser,
  newRole,
  sqlAll,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const replace = (name: string, { token }: TestUser, permissions: readonly string[], more = {}) =>
  send(`/v1/roles/${name}`, { method: "PUT", token, body: { permissions }, ...more });

const remove = (name: string, { token }: TestUser, more = {}) =>
  send(`/v1/roles/${name}`, { method: "DELETE", token, ...more });

const UPDATE_USER = /^update "users"/;
const UPDATE_ROLE = /^update "roles"/;
const DELETE_ROLE = /^delete from "roles"/;

/** The operations that change a role, with the statement that writes. */
const CHANGES: [RegExp, (name: string, actor: TestUser, more: object) => Promise<Answer>][] = [
  [UPDATE_ROLE, (name, actor, more) => replace(name, actor, [], more)],
  [DELETE_ROLE, (name, actor, more) => remove(name, actor, more)],
];

const assign = (id: string, { token }: TestUser, role: string, more = {}) =>
  send(`/v1/users/${id}/role`, { method: "PUT", token, body: { role }, ...more });

/** Users whose role does not exist. */
const orphans = () => sqlAll("SELECT id FROM users WHERE role NOT IN (SELECT name FROM roles)");

const scopeOf = (token: string) => decodeJwt(token).scope;

describe("a changed role", () => {
  it("applies immediately to writes and reads with the same token", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole(["users:read", "users:update"]);
    const helper = await createTestUser(name);
    const { id } = await createTestUser();
    const read = () => send(`/v1/users/${id}`, { token: helper.token });
    const write = () =>
      send(`/v1/users/${id}`, { method: "PATCH", token: helper.token, body: { first_name: "A" } });
    expect([(await read()).status, (await write()).status]).toEqual([200, 200]);
    await replace(name, admin, ["users:read"]);
    expect((await read()).status).toBe(200);
    expectProblem(await write(), 403, "forbidden");
    const me = await send("/v1/auth/me", { token: helper.token });
    expect(me.body.permissions).toEqual(["users:read"]);
    await replace(name, admin, []);
    expectProblem(await read(), 403, "forbidden");
    await replace(name, admin, ["users:read", "users:update"]);
    expect([(await read()).status, (await write()).status]).toEqual([200, 200]);
  });

  it("appears in the token at the next refresh and ends no session", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole(["users:read"]);
    const helper = await createTestUser(name);
    expect(scopeOf(helper.token)).toBe("users:read");
    await replace(name, admin, ["audit:read", "sessions:read"]);
    expect((await send("/v1/users/me", { token: helper.token })).status).toBe(200);
    const body = { refresh_token: helper.refreshToken };
    const refreshed = await send("/v1/auth/refresh", { body });
    expect(scopeOf(refreshed.body.access_token)).toBe("audit:read sessions:read");
    const me = await send("/v1/auth/me", { token: refreshed.body.access_token });
    expect(me.body.permissions).toEqual(["audit:read", "sessions:read"]);
  });

  it("stops a write that was still permitted when it read", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole(["users:update"]);
    const helper = await createTestUser(name);
    const { id } = await createTestUser();
    const bindings = beforeStatement(UPDATE_USER, () => replace(name, admin, []));
    const answer = await send(`/v1/users/${id}`, {
      method: "PATCH",
      token: helper.token,
      body: { first_name: "Ada" },
      bindings,
    });
    expectProblem(answer, 403, "forbidden");
    expect(await changesOn(id)).toEqual(["user.created"]);
  });

  it("is not replaced or deleted by a caller who no longer holds its permissions", async () => {
    const admin = await createTestUser("admin");
    const builder = await createTestUser(await newRole(["roles:write", "users:read"]));
    for (const [statement, act] of CHANGES) {
      const name = await newRole(["users:read"]);
      const bindings = beforeStatement(statement, () => replace(name, admin, ["users:delete"]));
      expectProblem(await act(name, builder, { bindings }), 403, "privilege_escalation");
      const { body } = await send(`/v1/roles/${name}`, { token: admin.token });
      expect(body.permissions).toEqual(["users:delete"]);
      expect(await actionsOn(name)).toEqual(["role.updated"]);
    }
  });

  it.each([
    ["roles:write", "forbidden"],
    ["users:read", "privilege_escalation"],
  ])(
    "is not replaced or deleted by a caller who loses %s between read and write: 403 %s",
    async (lost, code) => {
      const admin = await createTestUser("admin");
      const held = ["roles:write", "users:read"];
      const left = held.filter((permission) => permission !== lost);
      for (const [statement, act] of CHANGES) {
        const builders = await newRole(held);
        const builder = await createTestUser(builders);
        const name = await newRole(["users:read"]);
        const bindings = beforeStatement(statement, () => replace(builders, admin, left));
        expectProblem(await act(name, builder, { bindings }), 403, code);
        const { body } = await send(`/v1/roles/${name}`, { token: admin.token });
        expect(body.permissions).toEqual(["users:read"]);
        expect(await actionsOn(name)).toEqual([]);
      }
    },
  );
});

describe("assigning a role", () => {
  it("returns 403 privilege_escalation if the role gains a permission that the caller lacks between read and write", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole(["users:read"]);
    const giver = await createTestUser(await newRole(["roles:assign", "users:read"]));
    const { id } = await createTestUser();
    const bindings = beforeStatement(UPDATE_USER, () => replace(name, admin, ["users:erase"]));
    expectProblem(await assign(id, giver, name, { bindings }), 403, "privilege_escalation");
    expect(await changesOn(id)).toEqual(["user.created"]);
  });

  it("returns 403 if the caller loses roles:assign between read and write", async () => {
    const admin = await createTestUser("admin");
    const givers = await newRole(["roles:assign"]);
    const giver = await createTestUser(givers);
    const { id } = await createTestUser();
    const bindings = beforeStatement(UPDATE_USER, () => replace(givers, admin, []));
    expectProblem(await assign(id, giver, await newRole(), { bindings }), 403, "forbidden");
    expect(await changesOn(id)).toEqual(["user.created"]);
  });

  it("returns 422 unknown_role if the role is deleted between read and write, and leaves the user unchanged", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const { id } = await createTestUser();
    const bindings = beforeStatement(UPDATE_USER, () => remove(name, admin));
    const answer = await assign(id, admin, name, { bindings });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["role unknown_role"]);
    expect(await changesOn(id)).toEqual(["user.created"]);
    expect(await orphans()).toEqual([]);
  });

  it("between the read and write of its deletion keeps the role: 409 role_in_use", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const { id } = await createTestUser();
    const bindings = beforeStatement(DELETE_ROLE, () => assign(id, admin, name));
    expectProblem(await remove(name, admin, { bindings }), 409, "role_in_use");
    expect((await send(`/v1/users/${id}`, { token: admin.token })).body.role).toBe(name);
    expect(await actionsOn(name)).toEqual([]);
  });

  it("concurrent with its deletion leaves either the role in use or the user without it, never a 500", async () => {
    const admin = await createTestUser("admin");
    for (let round = 0; round < 10; round += 1) {
      const name = await newRole(["users:read"]);
      const { id } = await createTestUser();
      const acts = [() => assign(id, admin, name), () => remove(name, admin)];
      if (round % 2) acts.reverse();
      const statuses = (await Promise.all(acts.map((act) => act()))).map(({ status }) => status);
      expect(["200 409", "422 204"]).toContain(
        (round % 2 ? statuses.toReversed() : statuses).join(" "),
      );
    }
    expect(await orphans()).toEqual([]);
  });

  it("to a new user returns 422 and creates no user if the role is deleted between read and write", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const bindings = beforeStatement(/^insert into "users"/, () => remove(name, admin));
    const body = {
      username: "newcomer",
      email: "newcomer@example.com",
      password: "SecurePass123!",
      role: name,
    };
    const answer = await send("/v1/users", { body, token: admin.token, bindings });
    expectProblem(answer, 422, "validation_failed");
    expect(await sqlAll("SELECT id FROM users WHERE username = 'newcomer'")).toEqual([]);
  });
});

describe("a role", () => {
  it("replaced concurrently matches the last event, and each event starts where the previous one ended", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const wishes = [["users:read"], ["audit:read"], ["users:read", "audit:read"], ["roles:read"]];
    const answers = await Promise.all(wishes.map((wish) => replace(name, admin, wish)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { body } = await send(`/v1/roles/${name}`, { token: admin.token });
    const steps = (await auditOf(name)).map(
      ({ changes }) => JSON.parse(changes ?? "").permissions as { from: string; to: string },
    );
    expect(steps).toHaveLength(wishes.length);
    const ends = steps.map(({ to }) => to);
    expect(steps.map(({ from }) => from)).toEqual(["", ...ends.slice(0, -1)]);
    expect(ends.at(-1)).toBe(body.permissions.join(" "));
  });

  it("changed between the read and write of its deletion is recorded as it was when deleted", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole(["users:read"]);
    const bindings = beforeStatement(DELETE_ROLE, () => replace(name, admin, ["audit:read"]));
    expect((await remove(name, admin, { bindings })).status).toBe(204);
    const [, deletion] = await auditOf(name);
    expect(JSON.parse(deletion?.changes ?? "").permissions.from).toBe("audit:read");
  });

  it("deleted between the read and write of a replacement returns 404 and stays deleted", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const bindings = beforeStatement(UPDATE_ROLE, () => remove(name, admin));
    const answer = await replace(name, admin, ["users:read"], { bindings });
    expectProblem(answer, 404, "role_not_found");
    expect(await sqlAll("SELECT * FROM roles WHERE name = ?", name)).toEqual([]);
    expect(await actionsOn(name)).toEqual(["role.deleted"]);
  });

  it("deleted twice concurrently is deleted once: 204 and 404, and one event", async () => {
    const admin = await createTestUser("admin");
    const name = await newRole();
    const answers = await Promise.all([remove(name, admin), remove(name, admin)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 404]);
    expect(await actionsOn(name)).toEqual(["role.deleted"]);
  });
});
