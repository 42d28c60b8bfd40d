import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  actionsOn,
  auditOf,
  createTestUser,
  newRole,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

const call = (method: string, path: string, more = {}) =>
  send(path, { method, token: admin.token, ...more });
const deleteUser = ({ id }: { id: string }) => call("DELETE", `/v1/users/${id}`);
const restore = ({ id }: { id: string }, more = {}) =>
  call("POST", `/v1/users/${id}/restore`, more);
const remove = (name: string, more = {}) => call("DELETE", `/v1/roles/${name}`, more);
const roleExists = async (name: string) =>
  (await sqlAll("SELECT 1 FROM roles WHERE name = ?", name)).length > 0;

/** A role with one holder, who is deleted. */
async function createDeletedHolder() {
  const name = await newRole(["users:read"]);
  const user = await createTestUser(name);
  await deleteUser(user);
  return { name, user };
}

describe("a role that only deleted users have", () => {
  it("can be deleted, and whoever is restored afterwards is `user`", async () => {
    const { name, user } = await createDeletedHolder();
    expect((await remove(name)).status).toBe(204);
    const [event] = await auditOf(name);
    expect(event).toMatchObject({ action: "role.deleted" });
    const restored = await restore(user);
    expect(restored.status).toBe(200);
    expect(restored.body.role).toBe("user");
  });

  it("can be deleted if they were inactive, and its other deleted holders change alike", async () => {
    const { name, user } = await createDeletedHolder();
    const other = await createTestUser(name);
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", other.id);
    await deleteUser(other);
    expect((await remove(name)).status).toBe(204);
    for (const one of [user, other]) expect((await restore(one)).body.role).toBe("user");
  });

  it("cannot be deleted while someone who is not deleted has it, and then nobody's role changes", async () => {
    const { name, user } = await createDeletedHolder();
    const living = await createTestUser(name);
    expectProblem(await remove(name), 409, "role_in_use");
    expect((await restore(user)).body.role).toBe(name);
    expect((await call("GET", `/v1/users/${living.id}`)).body.role).toBe(name);
  });
});

describe("the deletion of a role", () => {
  it("is refused if a deleted holder is restored between its read and write, and keeps their role", async () => {
    const { name, user } = await createDeletedHolder();
    const other = await createTestUser(name);
    await deleteUser(other);
    const bindings = beforeStatement(/delete from "roles"/, () => restore(user));
    expectProblem(await remove(name, { bindings }), 409, "role_in_use");
    expect((await restore(other)).body.role).toBe(name);
    expect(await roleExists(name)).toBe(true);
    expect((await call("GET", `/v1/users/${user.id}`)).body.role).toBe(name);
    expect(await actionsOn(name)).toEqual([]);
  });

  it("changes no one's role if the caller loses their authority between its read and write", async () => {
    const { name, user } = await createDeletedHolder();
    const builder = await createTestUser("admin");
    const bindings = beforeStatement(/delete from "roles"/, () =>
      sqlRun("UPDATE users SET role = 'user' WHERE id = ?", builder.id),
    );
    const answer = await remove(name, { token: builder.token, bindings });
    expectProblem(answer, 403, "forbidden");
    expect((await restore(user)).body.role).toBe(name);
  });

  it("comes before a restoration that has read the old role: that person is `user`", async () => {
    const { name, user } = await createDeletedHolder();
    const bindings = beforeStatement(/^update "users"/, () => remove(name));
    const restored = await restore(user, { bindings });
    expect({ status: restored.status, role: restored.body.role }).toEqual({
      status: 200,
      role: "user",
    });
    expect(await roleExists(name)).toBe(false);
  });

  it("also releases a holder who is deleted between its read and write, or is refused", async () => {
    const name = await newRole(["users:read"]);
    const user = await createTestUser();
    const bindings = beforeStatement(/^delete from "roles"/, async () => {
      await sqlRun("UPDATE users SET role = ? WHERE id = ?", name, user.id);
      await deleteUser(user);
    });
    expect((await remove(name, { bindings })).status).toBe(204);
    expect((await restore(user)).body.role).toBe("user");
  });

  it("concurrent with a restoration leaves the role in use or the person `user`, never a 500", async () => {
    for (let round = 0; round < 6; round += 1) {
      const { name, user } = await createDeletedHolder();
      const [deletion, restoration] = await Promise.all([remove(name), restore(user)]);
      expect(restoration.status).toBe(200);
      const { role } = (await call("GET", `/v1/users/${user.id}`)).body;
      expect([`204 user`, `409 ${name}`]).toContain(`${deletion.status} ${role}`);
    }
  });
});

describe("a deleted user's key", () => {
  it("stays revoked when the user is restored as `user`", async () => {
    const name = await newRole(["users:read"]);
    const user = await createTestUser(name);
    const key = await createTestKey(user, ["users:read"]);
    await deleteUser(user);
    await remove(name);
    await restore(user);
    const answer = await send("/v1/users", { headers: { "X-API-Key": key.key } });
    expectProblem(answer, 401, "unauthenticated");
  });
});
