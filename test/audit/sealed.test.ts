import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";

type Event = Record<"id" | "action" | "ip", string | null> & {
  changes: Record<string, unknown>;
  erased?: true;
};

/** The audit events in a user's export, from an isolate that has no key in its memory. */
async function eventsOf({ token }: TestUser): Promise<Event[]> {
  const { body } = await send("/v1/users/me/export", { token, bindings: createIsolate() });
  return body.audit_events;
}

/** Records an event about a user with the sealed columns of the event of their registration. */
async function copySealed({ id }: TestUser, sealed: { changes: string; origin: string }) {
  const copy = crypto.randomUUID();
  await sqlRun(
    `INSERT INTO audit_events (id, action, actor_type, actor_id, target_type, target_id, changes, sealed_changes, origin_of,
      sealed_origin, created_at)
    SELECT ?, 'user.updated', 'user', target_id, 'user', target_id, changes, ${sealed.changes}, target_id, ${sealed.origin}, 0
    FROM audit_events WHERE target_id = ? AND action = 'user.created'`,
    copy,
    id,
  );
  return copy;
}

describe("personal data in an audit event", () => {
  it.each([
    ["in another event", { changes: "sealed_changes", origin: "sealed_origin" }],
    ["as the changes of another event", { changes: "sealed_changes", origin: "NULL" }],
    ["as the origin of another event", { changes: "NULL", origin: "sealed_origin" }],
    ["in the other column", { changes: "sealed_origin", origin: "sealed_changes" }],
  ])("cannot be opened %s", async (_, sealed) => {
    const user = await createTestUser();
    const copy = await copySealed(user, sealed);
    const events = await eventsOf(user);
    const original = events.find(({ action }) => action === "user.created");
    expect(original?.changes.email).toEqual({ from: null, to: user.email });
    expect(original?.ip).toBe("203.0.113.7");
    const moved = events.find(({ id }) => id === copy);
    expect(moved).toMatchObject({ changes: { email: null }, ip: null, erased: true });
  });

  it("cannot be opened with a data key that was moved to another person's row", async () => {
    const [owner, thief] = [await createTestUser(), await createTestUser()];
    const [row] = await sqlAll<{ data_key: string }>(
      "SELECT data_key FROM users WHERE id = ?",
      owner.id,
    );
    await sqlRun("UPDATE users SET data_key = ? WHERE id = ?", row?.data_key, thief.id);
    const [registered] = await eventsOf(thief);
    expect(registered).toMatchObject({ action: "user.created", changes: { email: null } });
    expect(registered?.erased).toBe(true);
  });
});
