import { beforeEach, describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { actionsOn, createTestUser, PASSWORD, sqlAll, sqlRun } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const PATH = "/v1/audit-events/unattributed";
const HOUR = 3_600_000;

const fail = (username: string, ip = "192.0.2.44") =>
  send("/v1/auth/login", { body: { username, password: "wrong password" }, ip });

const forgot = (email: string, ip = "192.0.2.44") =>
  send("/v1/auth/password/forgot", { body: { email }, ip });

async function list(query = "") {
  const { token } = await createTestUser("admin");
  const { body } = await send(PATH + query, { token });
  return body.data as Record<string, unknown>[];
}

beforeEach(() => sqlRun("DELETE FROM unattributed_events"));

describe("GET /v1/audit-events/unattributed", () => {
  it("has one row per hour, action and network for what strangers do with unknown names", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 5, 10, 59) });
    const events = await sqlAll("SELECT count(*) FROM audit_events");
    for (let i = 0; i < 3; i += 1) await fail(`nobody${i}`);
    await fail("nobody", "2001:db8:1:2::3");
    for (let i = 0; i < 4; i += 1) await forgot(`nobody${i}@example.org`, "192.0.2.7");
    vi.setSystemTime(Date.UTC(2026, 0, 5, 11));
    await fail("nobody");
    expect(await sqlAll("SELECT count(*) FROM audit_events")).toEqual(events);
    const ten = "2026-01-05T10:00:00.000Z";
    const subject_id = null;
    expect(await list()).toEqual([
      {
        hour: "2026-01-05T11:00:00.000Z",
        action: "auth.login_failed",
        network: "192.0.2.0/24",
        subject_id,
        count: 1,
      },
      {
        hour: ten,
        action: "password.reset_requested",
        network: "192.0.2.0/24",
        subject_id,
        count: 4,
      },
      { hour: ten, action: "auth.login_failed", network: "2001:db8:1::/48", subject_id, count: 1 },
      { hour: ten, action: "auth.login_failed", network: "192.0.2.0/24", subject_id, count: 3 },
    ]);
  });

  it("counts resets that send nothing, so that repeating one adds no events", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 5, 10, 30) });
    const { id, email } = await createTestUser();
    for (let i = 0; i < 4; i += 1) await forgot(email);
    expect(await actionsOn(id)).toEqual(["user.created", "password.reset_requested"]);
    expect(await list()).toMatchObject([
      { action: "password.reset_requested", subject_id: id, count: 3 },
    ]);
  });

  it("is emptied after AUDIT_ORIGIN_DAYS", async () => {
    const start = Date.UTC(2026, 0, 5, 10);
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    await fail("nobody");
    vi.setSystemTime(start + 90 * 24 * HOUR);
    await fail("nobody");
    await runCron(HOURLY);
    expect(await sqlAll("SELECT * FROM unattributed_events")).toHaveLength(2);
    vi.setSystemTime(start + 90 * 24 * HOUR + 2 * HOUR);
    await runCron(HOURLY);
    expect(await sqlAll("SELECT * FROM unattributed_events")).toHaveLength(1);
  });

  it("counts the lock-out of an unknown name", async () => {
    for (let i = 0; i < 12; i += 1) await fail("locked-out-stranger");
    expect(await list()).toMatchObject([
      { action: "auth.login_failed", count: 10 },
      { action: "auth.login_blocked", count: 2, subject_id: null },
      { action: "auth.locked_out", count: 1 },
    ]);
  });

  it("counts attempts during a lock-out with the account's id", async () => {
    const { id, username, email } = await createTestUser();
    for (let i = 0; i < 10; i += 1) await fail(username);
    await fail(username);
    await fail(email);
    expect(await list()).toMatchObject([
      { action: "auth.login_blocked", network: "192.0.2.0/24", subject_id: id, count: 2 },
    ]);
  });

  it("counts refusals for lack of a permission with the caller's id", async () => {
    const { id, token } = await createTestUser();
    const admin = await createTestUser("admin");
    const moderator = await createTestUser("moderator");
    expectProblem(await send("/v1/users", { token }), 403, "forbidden");
    expectProblem(await send("/v1/roles", { token }), 403, "forbidden");
    const edit = { method: "PATCH", token: moderator.token, body: { first_name: "Eve" } };
    expectProblem(await send(`/v1/users/${admin.id}`, edit), 403, "privilege_escalation");
    const { body: key } = await send("/v1/api-keys", {
      token: admin.token,
      body: { name: "Reader", scopes: ["users:read"] },
    });
    await send("/v1/roles", { headers: { "X-API-Key": key.key } });
    const counts = await list();
    const bySubject = Object.fromEntries(counts.map((row) => [row.subject_id, row]));
    expect(bySubject).toEqual({
      [id]: expect.objectContaining({ action: "access.denied", count: 2 }),
      [moderator.id]: expect.objectContaining({ action: "access.denied", count: 1 }),
      [key.id]: expect.objectContaining({ action: "access.denied", count: 1 }),
    });
  });

  it("does not count what was refused for other reasons", async () => {
    const { token } = await createTestUser();
    await send("/v1/users/me", { headers: { Authorization: "Bearer nonsense" } });
    await send("/v1/nothing", { token });
    await send("/v1/auth/password/reset", { body: { token: "rot_x", password: PASSWORD } });
    expect(await list()).toEqual([]);
  });

  it("needs audit:read", async () => {
    const { token } = await createTestUser("moderator");
    expectProblem(await send(PATH, { token }), 403, "forbidden");
  });

  it("is walked page by page, reading only the rows of the page", async () => {
    const start = Date.UTC(2026, 0, 1);
    await sqlRun(
      `INSERT INTO unattributed_events SELECT ? + (value / 4) * ?, 'auth.login_failed', value || '.0.0.0/24', '', value
       FROM json_each(?)`,
      start,
      HOUR,
      JSON.stringify(Array.from({ length: 250 }, (_, i) => i)),
    );
    const { token } = await createTestUser("admin");
    const seen: number[] = [];
    let cursor = "";
    do {
      const page = await send(`${PATH}?limit=100${cursor}`, { token });
      expect(costOf(page)).toMatchObject({ queries: 1, rowsWritten: 0 });
      expect(costOf(page).rowsRead).toBeLessThanOrEqual(110);
      seen.push(...page.body.data.map(({ count }: { count: number }) => count));
      const next = page.body.pagination.next_cursor;
      cursor = next ? `&cursor=${next}` : "";
    } while (cursor);
    expect(seen).toHaveLength(250);
    expect(new Set(seen).size).toBe(250);
  });
});
