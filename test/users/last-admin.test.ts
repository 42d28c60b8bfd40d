import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { changesOn, createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

beforeEach(async () => {
  await sqlRun("UPDATE users SET role = 'user' WHERE role = 'admin'");
});

type Act = (actor: TestUser, target: TestUser) => Promise<Answer>;

const ENDS: [string, Act][] = [
  ["demote", (a, b) => edit(a, b, "/role", "PUT", { role: "user" })],
  ["demote by PATCH", (a, b) => edit(a, b, "", "PATCH", { role: "moderator" })],
  ["deactivate", (a, b) => edit(a, b, "", "PATCH", { is_active: false })],
  ["delete", (a, b) => send(`/v1/users/${b.id}`, { method: "DELETE", token: a.token })],
];

function edit({ token }: TestUser, { id }: TestUser, end: string, method: string, body: unknown) {
  return send(`/v1/users/${id}${end}`, { method, token, body });
}

const activeAdmins = () =>
  sqlAll("SELECT id FROM users WHERE role = 'admin' AND is_active = 1 AND deleted_at IS NULL");

describe("the last active administrator", () => {
  it.each(ENDS)("cannot %s themselves: 409 last_admin, and nothing is recorded", async (_, act) => {
    const admin = await createTestUser("admin");
    expectProblem(await act(admin, admin), 409, "last_admin");
    expect(await activeAdmins()).toEqual([{ id: admin.id }]);
    expect(await changesOn(admin.id)).toEqual(["user.created"]);
  });

  it.each(ENDS)("can %s themselves once there is another", async (_, act) => {
    const admin = await createTestUser("admin");
    await createTestUser("admin");
    expect((await act(admin, admin)).status).toBeLessThan(300);
    expect(await activeAdmins()).toHaveLength(1);
  });

  it.each([
    ["inactive", "UPDATE users SET is_active = 0 WHERE id = ?"],
    ["deleted", "UPDATE users SET deleted_at = 1 WHERE id = ?"],
  ])("does not count an admin who is %s", async (_, change) => {
    const admin = await createTestUser("admin");
    const other = await createTestUser("admin");
    await sqlRun(change, other.id);
    for (const [, act] of ENDS) expectProblem(await act(admin, admin), 409, "last_admin");
  });

  it("may still change their names", async () => {
    const admin = await createTestUser("admin");
    const answer = await edit(admin, admin, "", "PATCH", { first_name: "Ada", role: "admin" });
    expect(answer.status).toBe(200);
  });

  it.each(ENDS)(
    "remains when two admins %s each other at once: the other gets 409",
    async (_, act) => {
      for (let round = 0; round < 5; round += 1) {
        await sqlRun("UPDATE users SET role = 'user' WHERE role = 'admin'");
        const [a, b] = [await createTestUser("admin"), await createTestUser("admin")];
        const answers = await Promise.all([act(a, b), act(b, a)]);
        const refused = answers.filter(({ status }) => status >= 300);
        expect(refused).toHaveLength(1);
        for (const answer of refused) expectProblem(answer, 409, "last_admin");
        expect(await activeAdmins()).toHaveLength(1);
      }
    },
  );

  it.each(ENDS)("remains when two admins %s themselves at once: one gets 409", async (_, act) => {
    const [a, b] = [await createTestUser("admin"), await createTestUser("admin")];
    const answers = await Promise.all([act(a, a), act(b, b)]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect(answers.filter(({ body }) => body?.code === "last_admin")).toHaveLength(1);
    expect(await activeAdmins()).toHaveLength(1);
  });

  it("remains when 6 admins delete one another at once", async () => {
    const admins = await Promise.all(Array.from({ length: 6 }, () => createTestUser("admin")));
    await Promise.all(
      admins.map((actor, i) =>
        send(`/v1/users/${admins[(i + 1) % 6]?.id}`, { method: "DELETE", token: actor.token }),
      ),
    );
    expect((await activeAdmins()).length).toBeGreaterThanOrEqual(1);
  });
});
