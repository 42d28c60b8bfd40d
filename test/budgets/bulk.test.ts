import { describe, it } from "vitest";
import { send } from "../support/api.ts";
import { expectWithin, withProductionLimits } from "../support/budgets.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";

const rowsOf = (count: number, domain: string) =>
  Array.from({ length: count }, (_, i) => ({ email: `someone${i}@${domain}` }));

describe("the cost of an import", () => {
  it("is one round trip per 250 users, and a fixed number of rows per user", async () => {
    const { token } = await createTestUser("admin");
    const body = { data: rowsOf(1000, "many.example") };
    const answer = await send("/v1/users/import", {
      token,
      body,
      bindings: withProductionLimits(),
    });
    expectWithin(answer, { trips: 5, rowsRead: 30 * 1000, rowsWritten: 18 * 1000, kv: 0 });
  });
});

describe("the cost of a bulk change", () => {
  // Each of the five sorts of the list has an index entry per user, and a second one for roles other than `user`.
  it.each([
    ["deactivate", {}, 11],
    ["set_role", { role: "moderator" }, 16],
    ["delete", {}, 13],
  ])("of 100 users is two round trips: %s", async (action, more, perUser) => {
    const { token } = await createTestUser("admin");
    const data = rowsOf(100, `${action.replace("_", "-")}.example`);
    await send("/v1/users/import", { token, body: { data } });
    await sqlRun("UPDATE users SET is_active = 1");
    const found = await sqlAll<{ id: string }>(
      "SELECT id FROM users WHERE email LIKE ?",
      `%@${action.replace("_", "-")}.example`,
    );
    const body = { action, ids: found.map(({ id }) => id), ...more };
    const answer = await send("/v1/users/bulk", { token, body, bindings: withProductionLimits() });
    expectWithin(answer, { trips: 2, rowsRead: 40 * 100, rowsWritten: perUser * 100, kv: 0 });
  });
});

// An administrator who was made by a script.
describe("the cost of the first change by someone without a data key", () => {
  it("is one round trip more, however many users it concerns", async () => {
    const { token, id } = await createTestUser("admin");
    const forget = () => sqlRun("UPDATE users SET data_key = NULL WHERE id = ?", id);
    const options = { token, bindings: withProductionLimits() };
    const budget = { trips: 3, rowsRead: 40 * 100, rowsWritten: 18 * 100 + 1, kv: 0 };
    await forget();
    const data = Array.from({ length: 100 }, (_, i) => ({ email: `first${i}@first.example` }));
    const imported = await send("/v1/users/import", { ...options, body: { data } });
    expectWithin(imported, budget);
    await forget();
    const ids = imported.body.data.map((row: { id: string }) => row.id);
    const body = { action: "deactivate", ids };
    const changed = await send("/v1/users/bulk", { ...options, body });
    expectWithin(changed, budget);
  });
});
