import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  changesOn,
  createTestUser,
  logIn,
  sqlAll,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const DAY = 86_400_000;

/** The statement that restores a user and authorizes again. */
const RESTORE = /^update "users"/;
/** The first statement of the batch that erases users. */
const PURGE = /^delete from "users"/;

const remove = (id: string, token: string) => send(`/v1/users/${id}`, { method: "DELETE", token });

const restore = (id: string, token: string, bindings?: Cloudflare.Env) =>
  send(`/v1/users/${id}/restore`, { method: "POST", token, ...(bindings && { bindings }) });

const userExists = async (id: string) =>
  (await sqlAll("SELECT id FROM users WHERE id = ?", id)).length > 0;

/** Creates a user who is deleted at the time of the stopped clock. */
async function createDeletedUser() {
  const clock = stopClock();
  const user = await createTestUser();
  const { token } = await createTestUser("admin");
  await remove(user.id, token);
  // Sessions expire before the retention period ends, so each step needs a new administrator.
  const admin = async () => (await createTestUser("admin")).token;
  return { clock, user, admin };
}

describe("a deletion", () => {
  it("revokes API keys permanently, even after a restoration", async () => {
    const owner = await createHolder("users:read");
    const key = await createTestKey(owner, ["users:read"]);
    const { token } = await createTestUser("admin");
    expect((await sendWithKey(key, "/v1/users")).status).toBe(200);
    await remove(owner.id, token);
    expectProblem(await sendWithKey(key, "/v1/users"), 401, "unauthenticated");
    expect((await restore(owner.id, token)).status).toBe(200);
    expectProblem(await sendWithKey(key, "/v1/users"), 401, "unauthenticated");
    const [row] = await sqlAll<{ revoked_at: number }>(
      "SELECT revoked_at FROM api_keys WHERE user_id = ?",
      owner.id,
    );
    expect(row?.revoked_at).not.toBeNull();
  });

  it("keeps profile and names for a restoration, but no session", async () => {
    const user = await createTestUser();
    const { token } = await createTestUser("admin");
    const body = { display_name: "Ada", metadata: { theme: "dark" } };
    await send("/v1/users/me/profile", { method: "PUT", body, token: user.token });
    await remove(user.id, token);
    await restore(user.id, token);
    expect(await statusesOf(user)).toEqual({ write: 401, read: 401, refresh: 401 });
    const again = await logIn(user.username);
    const profile = await send("/v1/users/me/profile", { token: again.token });
    expect(profile.body).toMatchObject(body);
  });
});

describe("a restoration", () => {
  it("works until the last millisecond of DELETED_RETENTION_DAYS, then returns 404", async () => {
    const { clock, user, admin } = await createDeletedUser();
    const second = await createTestUser();
    const token = await admin();
    clock.at(0);
    await remove(second.id, token);
    clock.at(30 * DAY - 1);
    expect((await restore(user.id, await admin())).status).toBe(200);
    clock.at(30 * DAY);
    expectProblem(await restore(second.id, await admin()), 404, "user_not_found");
    expect(await changesOn(second.id)).toEqual(["user.created", "user.deleted"]);
  });

  it("follows DELETED_RETENTION_DAYS", async () => {
    const { clock, user, admin } = await createDeletedUser();
    clock.at(2 * DAY);
    const token = await admin();
    const short = createIsolate({ DELETED_RETENTION_DAYS: "2" });
    expectProblem(await restore(user.id, token, short), 404, "user_not_found");
    expect(
      (await restore(user.id, token, createIsolate({ DELETED_RETENTION_DAYS: "3" }))).status,
    ).toBe(200);
  });

  it("returns 404 if the purge comes first", async () => {
    const { clock, user, admin } = await createDeletedUser();
    clock.at(30 * DAY - 1);
    const token = await admin();
    const purge = async () => {
      clock.at(30 * DAY);
      await runCron(HOURLY);
    };
    const late = await restore(user.id, token, beforeStatement(RESTORE, purge));
    expectProblem(late, 404, "user_not_found");
    expect(await userExists(user.id)).toBe(false);
  });

  it("is kept if it comes before the purge", async () => {
    const { clock, user, admin } = await createDeletedUser();
    clock.at(30 * DAY - 1);
    const token = await admin();
    const overtaken = beforeStatement(PURGE, async () => {
      clock.at(30 * DAY - 1);
      expect((await restore(user.id, token)).status).toBe(200);
    });
    clock.at(30 * DAY);
    const logs = captureLogs();
    await runCron(HOURLY, overtaken);
    expect(await userExists(user.id)).toBe(true);
    const [run] = logs.of("cron.job").filter(({ job }) => job === "purge_deleted_users");
    expect(run).toMatchObject({ items: 0 });
    expect((await changesOn(user.id)).at(-1)).toBe("user.restored");
  });

  it("concurrent with the purge leaves a complete user or none", async () => {
    const { clock, user, admin } = await createDeletedUser();
    clock.at(30 * DAY - 1);
    const token = await admin();
    const restoring = restore(user.id, token);
    clock.at(30 * DAY);
    const [answer] = await Promise.all([restoring, runCron(HOURLY)]);
    expect(await userExists(user.id)).toBe(answer.status === 200);
    expect([200, 404]).toContain(answer.status);
    const last = answer.status === 200 ? "user.restored" : "user.erased";
    expect((await changesOn(user.id)).at(-1)).toBe(last);
  });
});

describe("the hourly purge", () => {
  it("erases only users deleted 30 days ago, with an audit event by the system", async () => {
    const { clock, user, admin } = await createDeletedUser();
    clock.at(1);
    const later = await createTestUser();
    await remove(later.id, await admin());
    const living = await createTestUser();
    clock.at(30 * DAY);
    await runCron(HOURLY);
    expect(await userExists(user.id)).toBe(false);
    expect(await userExists(later.id)).toBe(true);
    expect(await userExists(living.id)).toBe(true);
    expect(await changesOn(user.id)).toEqual(["user.created", "user.deleted", "user.erased"]);
    const [event] = await sqlAll(
      "SELECT actor_type, actor_id FROM audit_events WHERE target_id = ? AND action = 'user.erased'",
      user.id,
    );
    expect(event).toEqual({ actor_type: "system", actor_id: null });
  });

  it("erases once if run again and concurrently", async () => {
    const { clock, user } = await createDeletedUser();
    clock.at(31 * DAY);
    const logs = captureLogs();
    await Promise.all([runCron(HOURLY), runCron(HOURLY)]);
    await runCron(HOURLY);
    expect(await changesOn(user.id)).toEqual(["user.created", "user.deleted", "user.erased"]);
    expect(logs.of("cron.job_failed")).toEqual([]);
    const runs = logs.of("cron.job").filter(({ job }) => job === "purge_deleted_users");
    expect(runs.filter(({ items }) => items !== 0)).toMatchObject([{ items: expect.any(Number) }]);
  });

  /** Inserts users deleted before the given time. */
  async function deleteMany(count: number, before: number) {
    await sqlRun(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
      INSERT INTO users (id, username, username_key, email, email_key, password_hash, role, created_at, updated_at, deleted_at)
      SELECT 'gone-' || i, i, i, i, i, 'x', 'user', 0, 0, ? - i FROM n`,
      count,
      before,
    );
    const left = () => sqlAll<{ id: string }>("SELECT id FROM users WHERE id GLOB 'gone-*'");
    const erased = () =>
      sqlAll(
        "SELECT id FROM audit_events WHERE target_id GLOB 'gone-*' AND action = 'user.erased'",
      );
    return { left, erased };
  }

  it("erases each user once if two runs meet after a lease has expired", async () => {
    const { clock } = await createDeletedUser();
    const { left, erased } = await deleteMany(60, clock.start);
    const before = (await erased()).length;
    clock.at(30 * DAY);
    const meeting = beforeStatement(PURGE, async () => {
      await sqlRun("DELETE FROM job_leases");
      await runCron(HOURLY);
    });
    await runCron(HOURLY, meeting);
    expect(await left()).toEqual([]);
    expect(await erased()).toHaveLength(before + 60);
  });

  it("erases in batches of 25 until none are left, each with an audit event", async () => {
    const { clock } = await createDeletedUser();
    const { left, erased } = await deleteMany(203, clock.start);
    const before = (await erased()).length;
    clock.at(30 * DAY);
    await runCron(HOURLY);
    expect(await left()).toEqual([]);
    expect(await erased()).toHaveLength(before + 203);
  });

  it("erases complete users if it fails midway, and continues with the next run", async () => {
    const { clock } = await createDeletedUser();
    await sqlRun("DELETE FROM users WHERE deleted_at IS NOT NULL");
    const { left, erased } = await deleteMany(30, clock.start);
    const before = (await erased()).length;
    clock.at(31 * DAY);
    // The users deleted earliest go first: gone-30 to gone-6 are the first batch.
    await sqlRun(`CREATE TRIGGER fail_purge BEFORE DELETE ON users
      WHEN old.id = 'gone-1' BEGIN SELECT RAISE(ABORT, 'no'); END`);
    const logs = captureLogs();
    await runCron(HOURLY);
    await sqlRun("DROP TRIGGER fail_purge");
    expect(logs.of("cron.job_failed")).toMatchObject([{ job: "purge_deleted_users" }]);
    expect((await left()).map(({ id }) => id).sort()).toEqual([
      "gone-1",
      "gone-2",
      "gone-3",
      "gone-4",
      "gone-5",
    ]);
    expect(await erased()).toHaveLength(before + 25);
    await runCron(HOURLY);
    expect(await left()).toEqual([]);
    expect(await erased()).toHaveLength(before + 30);
  });
});
