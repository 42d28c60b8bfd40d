import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { changesOn, createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

beforeEach(async () => {
  await sqlRun("UPDATE users SET role = 'user' WHERE role = 'admin'");
});

type Act = (actor: TestUser, target: TestUser, bindings?: Cloudflare.Env) => Promise<Answer>;

const ENDS: [string, Act][] = [
  ["demote", request("PUT", "/role", { role: "user" })],
  ["demote by PATCH", request("PATCH", "", { role: "moderator" })],
  ["deactivate", request("PATCH", "", { is_active: false })],
  ["delete", request("DELETE", "")],
];

function request(method: string, end: string, body?: unknown): Act {
  return ({ token }, { id }, bindings) =>
    send(`/v1/users/${id}${end}`, { method, token, body, ...(bindings && { bindings }) });
}

const activeAdmins = () =>
  sqlAll("SELECT id FROM users WHERE role = 'admin' AND is_active = 1 AND deleted_at IS NULL");

describe("the last active administrator", () => {
  it.each(ENDS)("cannot %s themselves: 409 last_admin, nothing recorded", async (_, act) => {
    const admin = await createTestUser("admin");
    expectProblem(await act(admin, admin), 409, "last_admin");
    expect(await activeAdmins()).toEqual([{ id: admin.id }]);
    expect(await changesOn(admin.id)).toEqual(["user.created"]);
  });

  it.each(ENDS)("can %s themselves if there is another", async (_, act) => {
    const admin = await createTestUser("admin");
    await createTestUser("admin");
    expect((await act(admin, admin)).status).toBeLessThan(300);
    expect(await activeAdmins()).toHaveLength(1);
  });

  it.each([
    ["inactive", "UPDATE users SET is_active = 0 WHERE id = ?"],
    ["deleted", "UPDATE users SET deleted_at = 1 WHERE id = ?"],
  ])("is last even if there is another who is %s", async (_, change) => {
    const admin = await createTestUser("admin");
    const other = await createTestUser("admin");
    await sqlRun(change, other.id);
    for (const [, act] of ENDS) expectProblem(await act(admin, admin), 409, "last_admin");
  });

  it("can change their names", async () => {
    const admin = await createTestUser("admin");
    const rename = request("PATCH", "", { first_name: "Ada", role: "admin" });
    expect((await rename(admin, admin)).status).toBe(200);
  });

  it.each(ENDS)(
    "remains if two admins %s each other concurrently: the one whose session has ended gets 401",
    async (_, act) => {
      for (let round = 0; round < 5; round += 1) {
        await sqlRun("UPDATE users SET role = 'user' WHERE role = 'admin'");
        const [a, b] = [await createTestUser("admin"), await createTestUser("admin")];
        const answers = await Promise.all([act(a, b), act(b, a)]);
        const refused = answers.filter(({ status }) => status >= 300);
        expect(refused).toHaveLength(1);
        for (const answer of refused) expectProblem(answer, 401, "unauthenticated");
        expect(await activeAdmins()).toHaveLength(1);
      }
    },
  );

  it.each(ENDS)(
    "remains if they %s themselves while the other is demoted: 409, nothing recorded",
    async (_, act) => {
      const [admin, other] = [await createTestUser("admin"), await createTestUser("admin")];
      const demote = () => sqlRun("UPDATE users SET role = 'user' WHERE id = ?", other.id);
      const answer = await act(admin, admin, beforeStatement(/^update "users"/, demote));
      expectProblem(answer, 409, "last_admin");
      expect(await activeAdmins()).toEqual([{ id: admin.id }]);
      expect(await changesOn(admin.id)).toEqual(["user.created"]);
    },
  );

  it.each(ENDS)(
    "remains if two admins %s themselves concurrently: one gets 409",
    async (_, act) => {
      const [a, b] = [await createTestUser("admin"), await createTestUser("admin")];
      const answers = await Promise.all([act(a, a), act(b, b)]);
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
      expect(answers.filter(({ body }) => body?.code === "last_admin")).toHaveLength(1);
      expect(await activeAdmins()).toHaveLength(1);
    },
  );

  it("remains if 6 admins delete one another concurrently", async () => {
    const admins = await Promise.all(Array.from({ length: 6 }, () => createTestUser("admin")));
    await Promise.all(
      admins.map((actor, i) =>
        send(`/v1/users/${admins[(i + 1) % 6]?.id}`, { method: "DELETE", token: actor.token }),
      ),
    );
    expect((await activeAdmins()).length).toBeGreaterThanOrEqual(1);
  });
});
