import { describe, expect, it } from "vitest";
import { type RequestOptions, send } from "../support/api.ts";
import { beforeEachStatement, beforeStatement } from "../support/d1.ts";
import {
  changesOn,
  createRoleRow,
  createTestUser,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

/** The statement that changes a user and authorizes again. */
const UPDATE = /^update "users"/;

const rename = (user: TestUser, options: RequestOptions & { ifMatch?: string } = {}) => {
  const { ifMatch, ...rest } = options;
  return send(`/v1/users/${user.id}`, {
    method: "PATCH",
    token: user.token,
    body: { first_name: "Ada" },
    ...(ifMatch !== undefined && { headers: { "If-Match": ifMatch } }),
    ...rest,
  });
};

const etagOf = async ({ token }: TestUser) =>
  (await send("/v1/users/me", { token })).headers.get("ETag") ?? "";

describe("If-Match", () => {
  it("accepts the current version, alone, in a list or as *", async () => {
    const user = await createTestUser();
    for (const [i, form] of ["?", '"0", ?', "*"].entries()) {
      const ifMatch = form.replace("?", await etagOf(user));
      const answer = await rename(user, { ifMatch, body: { first_name: `Ada${i}` } });
      expect(answer.status).toBe(200);
      expect(answer.body.first_name).toBe(`Ada${i}`);
    }
  });

  it("returns 412 for a stale, weak, unquoted or empty version, and changes and records nothing", async () => {
    const user = await createTestUser();
    const etag = await etagOf(user);
    for (const ifMatch of ['"0"', `W/${etag}`, etag.replaceAll('"', ""), "", '"*"']) {
      expectProblem(await rename(user, { ifMatch }), 412, "version_conflict");
    }
    expect(await etagOf(user)).toBe(etag);
    expect(await changesOn(user.id)).toEqual(["user.created"]);
  });

  it("returns 412 for a stale version even if nothing would change", async () => {
    const user = await createTestUser();
    expectProblem(await rename(user, { ifMatch: '"0"', body: {} }), 412, "version_conflict");
  });

  it("applies to deletion, restoration and role changes", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser("admin");
    const headers = { "If-Match": '"0"' };
    const path = `/v1/users/${user.id}`;
    const role = { method: "PUT", token, headers, body: { role: "moderator" } };
    expectProblem(await send(`${path}/role`, role), 412, "version_conflict");
    expectProblem(await send(path, { method: "DELETE", token, headers }), 412, "version_conflict");
    await send(path, { method: "DELETE", token });
    expectProblem(
      await send(`${path}/restore`, { method: "POST", token, headers }),
      412,
      "version_conflict",
    );
  });

  it("accepts one of two PUTs with one version: one 200, one 412, one event", async () => {
    const user = await createTestUser();
    const etag = await etagOf(user);
    const { username, email } = user;
    const put = (first_name: string) =>
      rename(user, {
        method: "PUT",
        ifMatch: etag,
        body: { username, email, first_name, last_name: null, role: "user", is_active: true },
      });
    const answers = await Promise.all([put("One"), put("Two")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect(await changesOn(user.id)).toEqual(["user.created", "user.updated"]);
  });
});

describe("concurrent changes", () => {
  it("all succeed for 20 PATCHes without If-Match, none overwriting another", async () => {
    const user = await createTestUser();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        rename(user, { body: i % 2 ? { first_name: `F${i}` } : { last_name: `L${i}` } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    const etags = new Set(answers.map(({ headers }) => headers.get("ETag")));
    expect(etags.size).toBe(20);
    const { body } = await send("/v1/users/me", { token: user.token });
    expect(body.full_name).toMatch(/^F\d+ L\d+$/);
    const updates = (await changesOn(user.id)).filter((action) => action === "user.updated");
    expect(updates).toHaveLength(20);
  }, 20_000);

  it("return 409 edit_conflict and change nothing if another change comes first at each of 25 attempts", async () => {
    const user = await createTestUser();
    let attempts = 0;
    const bump = () => {
      attempts += 1;
      return sqlRun("UPDATE users SET version = version + 1 WHERE id = ?", user.id);
    };
    const answer = await rename(user, { bindings: beforeEachStatement(UPDATE, bump) });
    expectProblem(answer, 409, "edit_conflict");
    expect(attempts).toBe(25);
    expect(await changesOn(user.id)).toEqual(["user.created"]);
  });

  it("return 404 if the user is deleted between check and change", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser("admin");
    const remove = () => send(`/v1/users/${user.id}`, { method: "DELETE", token });
    const moderator = await createTestUser("moderator");
    const bindings = beforeStatement(UPDATE, remove);
    const answer = await rename(user, { token: moderator.token, bindings });
    expectProblem(answer, 404, "user_not_found");
    expect(await changesOn(user.id)).toEqual(["user.created", "user.deleted"]);
  });
});

describe("authority lost between check and change", () => {
  const losses: [string, string, number, string][] = [
    [
      "whose session ended",
      "UPDATE sessions SET revoked_at = 1 WHERE user_id = ?",
      401,
      "unauthenticated",
    ],
    ["who was deactivated", "UPDATE users SET is_active = 0 WHERE id = ?", 401, "unauthenticated"],
    ["who was deleted", "UPDATE users SET deleted_at = 1 WHERE id = ?", 401, "unauthenticated"],
    ["who was demoted", "UPDATE users SET role = 'user' WHERE id = ?", 403, "forbidden"],
  ];

  it.each(losses)("changes nothing for an admin %s", async (_, loss, status, code) => {
    await createTestUser("admin");
    const user = await createTestUser();
    const actor = await createTestUser("admin");
    const bindings = beforeStatement(UPDATE, () => sqlRun(loss, actor.id));
    expectProblem(await rename(user, { token: actor.token, bindings }), status, code);
    expect(await changesOn(user.id)).toEqual(["user.created"]);
  });

  it("changes nothing if the target now holds more permissions than the caller", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser("moderator");
    const rise = () => sqlRun("UPDATE users SET role = 'admin' WHERE id = ?", user.id);
    const answer = await rename(user, { token, bindings: beforeStatement(UPDATE, rise) });
    expectProblem(answer, 403, "privilege_escalation");
    expect(await changesOn(user.id)).toEqual(["user.created"]);
  });

  it("changes nothing if the target's role gains a permission that the caller lacks", async () => {
    await createRoleRow("guest", []);
    const user = await createTestUser("guest");
    const { token } = await createTestUser("moderator");
    const grow = () =>
      sqlRun("UPDATE roles SET permissions = ? WHERE name = 'guest'", '["audit:read"]');
    const answer = await rename(user, { token, bindings: beforeStatement(UPDATE, grow) });
    expectProblem(answer, 403, "privilege_escalation");
    expect(await changesOn(user.id)).toEqual(["user.created"]);
  });
});
