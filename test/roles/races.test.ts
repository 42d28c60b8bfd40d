import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { createHolder, setRole } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  actionsOn,
  auditOf,
  createRoleRow,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

/** The statements that change a role and authorize again. */
const CREATE = /^insert into "roles"/;
const REPLACE = /^update "roles"/;
const DELETE = /^delete from "roles"/;

let counter = 0;
let name: string;
let caller: TestUser;

beforeEach(async () => {
  counter += 1;
  name = `raced${counter}`;
  caller = await createHolder("roles:write", "users:read");
});

const request = (method: string, path: string, body: unknown, bindings?: Cloudflare.Env) =>
  send(path, { method, body, token: caller.token, ...(bindings && { bindings }) });

const rolesNamed = () =>
  sqlAll("SELECT name, description, permissions FROM roles WHERE name = ?", name);

const demote = () => setRole(caller, "user");
const narrow = async () => {
  await createRoleRow(`narrow${counter}`, ["roles:write"]);
  await setRole(caller, `narrow${counter}`);
};
const logOut = () => sqlRun("UPDATE sessions SET revoked_at = 1 WHERE user_id = ?", caller.id);
const expire = () => sqlRun("UPDATE sessions SET expires_at = 1 WHERE user_id = ?", caller.id);
const LOSSES = [
  ["the session ends", logOut, 401, "unauthenticated"],
  ["the session expires", expire, 401, "unauthenticated"],
  ["the caller loses roles:write", demote, 403, "forbidden"],
  ["the caller loses what the role grants", narrow, 403, "privilege_escalation"],
] as const;

describe("a role, if between read and write", () => {
  it.each(LOSSES)("%s, is not created", async (_, lose, status, code) => {
    const bindings = beforeStatement(CREATE, lose);
    const answer = await request(
      "POST",
      "/v1/roles",
      { name, permissions: ["users:read"] },
      bindings,
    );
    expectProblem(answer, status, code);
    expect(await rolesNamed()).toEqual([]);
    expect(await actionsOn(name)).toEqual([]);
  });

  it.each(LOSSES)("%s, is not replaced", async (_, lose, status, code) => {
    await createRoleRow(name, ["users:read"]);
    const before = await rolesNamed();
    const bindings = beforeStatement(REPLACE, lose);
    const answer = await request("PUT", `/v1/roles/${name}`, { permissions: [] }, bindings);
    expectProblem(answer, status, code);
    expect(await rolesNamed()).toEqual(before);
    expect(await actionsOn(name)).toEqual([]);
  });

  it("the caller loses what the role is to grant, is not replaced", async () => {
    await createRoleRow(name, []);
    const before = await rolesNamed();
    const body = { permissions: ["users:read"] };
    const answer = await request(
      "PUT",
      `/v1/roles/${name}`,
      body,
      beforeStatement(REPLACE, narrow),
    );
    expectProblem(answer, 403, "privilege_escalation");
    expect(await rolesNamed()).toEqual(before);
  });

  it.each(LOSSES)("%s, is not deleted", async (_, lose, status, code) => {
    await createRoleRow(name, ["users:read"]);
    const before = await rolesNamed();
    const bindings = beforeStatement(DELETE, lose);
    expectProblem(await request("DELETE", `/v1/roles/${name}`, undefined, bindings), status, code);
    expect(await rolesNamed()).toEqual(before);
    expect(await actionsOn(name)).toEqual([]);
  });
});

describe("two replacements of a role at the same time", () => {
  it.each([
    ["descriptions", { description: "First." }, { description: "Second." }],
    ["permissions", { permissions: ["users:read"] }, { permissions: ["roles:write"] }],
  ])(
    "that change its %s both apply, and the second event starts where the first ended",
    async (_, one, other) => {
      await createRoleRow(name, []);
      const replace = (body: object, bindings?: Cloudflare.Env) =>
        request("PUT", `/v1/roles/${name}`, { permissions: [], ...body }, bindings);
      const first: Answer[] = [];
      const bindings = beforeStatement(REPLACE, async () => first.push(await replace(one)));
      const second = await replace(other, bindings);
      expect([first[0]?.status, second.status]).toEqual([200, 200]);
      expect(second.body).toMatchObject(other);
      const [before, after] = (await auditOf(name)).map(({ changes }) => JSON.parse(changes ?? ""));
      for (const [field, { to }] of Object.entries<{ to: unknown }>(before)) {
        expect(after[field].from).toBe(to);
      }
    },
  );

  it("are refused for what only the first one granted", async () => {
    await createRoleRow(name, []);
    const grant = () =>
      sqlRun(`UPDATE roles SET permissions = '["users:erase"]' WHERE name = ?`, name);
    const body = { description: "Ours.", permissions: [] };
    const answer = await request("PUT", `/v1/roles/${name}`, body, beforeStatement(REPLACE, grant));
    expectProblem(answer, 403, "privilege_escalation");
    expect(await rolesNamed()).toMatchObject([{ permissions: '["users:erase"]' }]);
  });
});
