import { describe, expect, it } from "vitest";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";

const auditRows = (userId: string) =>
  sqlAll("SELECT * FROM audit_events WHERE target_id = ? ORDER BY id", userId);

describe("a recorded audit event", () => {
  it.each([
    ["UPDATE", "UPDATE audit_events SET action = 'user.restored' WHERE target_id = ?"],
    [
      "UPDATE of nothing but its time",
      "UPDATE audit_events SET created_at = 0 WHERE target_id = ?",
    ],
    [
      "UPDATE OR REPLACE",
      "UPDATE OR REPLACE audit_events SET request_id = NULL WHERE target_id = ?",
    ],
    ["DELETE", "DELETE FROM audit_events WHERE target_id = ?"],
    [
      "INSERT OR REPLACE",
      "INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events WHERE target_id = ?",
    ],
    ["REPLACE", "REPLACE INTO audit_events SELECT * FROM audit_events WHERE target_id = ?"],
    [
      "an upsert",
      `INSERT INTO audit_events SELECT * FROM audit_events WHERE target_id = ?
      ON CONFLICT (id) DO UPDATE SET action = 'user.restored'`,
    ],
  ])("refuses %s and stays as it is", async (_, statement) => {
    const { id } = await createTestUser();
    const before = await auditRows(id);
    expect(before.length).toBeGreaterThan(0);
    await expect(sqlRun(statement, id)).rejects.toThrow("audit events are immutable");
    expect(await auditRows(id)).toEqual(before);
  });

  it("does not prevent new events", async () => {
    const { id } = await createTestUser();
    const before = await auditRows(id);
    await sqlRun(
      `INSERT INTO audit_events (id, action, actor_type, target_type, target_id, created_at)
      VALUES (?, 'user.updated', 'system', 'user', ?, 0)`,
      crypto.randomUUID(),
      id,
    );
    expect(await auditRows(id)).toHaveLength(before.length + 1);
  });
});
