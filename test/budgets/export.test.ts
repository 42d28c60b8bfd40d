import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { withProductionLimits } from "../support/budgets.ts";
import { createTestUser, sqlRun, type TestUser } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";

describe("an export reads its rows in pages", () => {
  /** Inserts audit events by an actor about the user. */
  const insertEvents = (user: TestUser, count: number, actor: string) =>
    sqlRun(
      `INSERT INTO audit_events (id, action, actor_type, actor_id, target_id, origin_of, created_at)
      SELECT printf('%08d-0000-7000-8000-', value) || substr(?2, 25), 'user.updated', 'user', ?1, ?2, ?1, 1 FROM json_each(?3)`,
      actor,
      user.id,
      JSON.stringify(Array.from({ length: count }, (_, i) => i)),
    );

  /** The cost of a whole export, as logged after its last byte. */
  async function costOfExport({ id }: TestUser, { token }: TestUser) {
    const logs = captureLogs();
    const { body } = await send(`/v1/users/${id}/export`, {
      token,
      bindings: withProductionLimits(),
    });
    const { d1 } = logs.of("stream.ended").at(-1) as unknown as {
      d1: { queries: number; rows_read: number; rows_written: number };
    };
    // The event that records it.
    expect(d1.rows_written).toBeLessThanOrEqual(5);
    return {
      events: body.audit_events.length as number,
      queries: d1.queries,
      rowsRead: d1.rows_read,
    };
  }

  it("of a new user in one round trip, and one that records it", async () => {
    const user = await createTestUser();
    const cost = await costOfExport(user, user);
    expect(cost).toMatchObject({ events: 2, queries: 2 });
    expect(cost.rowsRead).toBeLessThanOrEqual(24);
  });

  it("of another user in one round trip, one that records it, and one per list", async () => {
    const cost = await costOfExport(await createTestUser(), await createTestUser("admin"));
    expect(cost).toMatchObject({ events: 3, queries: 6 });
    expect(cost.rowsRead).toBeLessThanOrEqual(24 + 8 * 5);
  });

  it("of 2,000 events that others caused, one row each", async () => {
    const user = await createTestUser();
    await insertEvents(user, 2000, "someone else");
    const cost = await costOfExport(user, user);
    // The export's own event is on the last page.
    expect(cost.events).toBe(2003);
    expect(cost.queries).toBeLessThanOrEqual(4);
    expect(cost.rowsRead).toBeLessThanOrEqual(2003 + 24 + 8 * cost.queries);
  });

  it("of 2,000 events that the user caused, one row in each of two indexes", async () => {
    const user = await createTestUser();
    await insertEvents(user, 2000, user.id);
    const cost = await costOfExport(user, user);
    // The export's own event is on the last page.
    expect(cost.events).toBe(2003);
    expect(cost.queries).toBeLessThanOrEqual(6);
    expect(cost.rowsRead).toBeLessThanOrEqual(2 * 2003 + 24 + 8 * cost.queries);
  });

  it("and reads none of them for a caller who is refused", async () => {
    const user = await createTestUser();
    await insertEvents(user, 2000, user.id);
    const { token } = await createTestUser("moderator");
    const answer = await send(`/v1/users/${user.id}/export`, { token });
    expect(answer.status).toBe(403);
    expect(costOf(answer)).toMatchObject({ queries: 1, rowsWritten: 0 });
    // The caller: 3, the user: 2, their devices and networks: 2, their token: 2, the rest: login attempts under three keys.
    expect(costOf(answer).rowsRead).toBeLessThanOrEqual(15);
  });

  it("of the user alone, whatever is stored of others", async () => {
    const [user, other] = [await createTestUser(), await createTestUser()];
    const before = await costOfExport(user, user);
    await insertEvents(other, 2000, other.id);
    const { events, queries, rowsRead } = before;
    // The first export is an event.
    const expected = { events: events + 1, queries, rowsRead: rowsRead + 1 };
    expect(await costOfExport(user, user)).toEqual(expected);
  });
});
