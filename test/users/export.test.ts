import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import {
  createRoleRow,
  createTestUser,
  logIn,
  PASSWORD,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { linkIdentity } from "../support/identities.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

const exportOf = (id: string, { token }: Partial<TestUser> = {}) =>
  send(`/v1/users/${id}/export`, { ...(token && { token }) });

describe("GET /v1/users/{id}/export", () => {
  it("returns 200 with all data held on the user as one document, with no-store", async () => {
    const user = await createTestUser();
    const profile = { display_name: "Ada", bio: "Analyst", metadata: { theme: "dark" } };
    await send("/v1/users/me/profile", { method: "PUT", body: profile, token: user.token });
    const key = await createTestKey(user, []);
    await send("/v1/users/me", {
      method: "PATCH",
      body: { first_name: "Ada" },
      token: user.token,
      ip: "198.51.100.9",
    });
    const second = await logIn(user.username);
    await send("/v1/auth/logout", { method: "POST", token: second.token });
    const answer = await exportOf("me", user);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const { body } = answer;
    expect(Object.keys(body).sort()).toEqual([
      "api_keys",
      "audit_events",
      "exported_at",
      "identities",
      "known_device_count",
      "known_network_count",
      "last_active_day",
      "login_attempts",
      "mails",
      "one_time_tokens",
      "profile",
      "recovery_codes_left",
      "registered_day",
      "second_factors",
      "sessions",
      "user",
    ]);
    expect(body.user).toMatchObject({ id: user.id, email: user.email, first_name: "Ada" });
    expect(body.profile).toMatchObject(profile);
    expect(body.sessions).toHaveLength(2);
    expect(body.sessions.map(({ current }: { current: boolean }) => current)).toEqual([
      true,
      false,
    ]);
    const ends = body.sessions.map(
      ({ ended_at }: { ended_at: string | null }) => ended_at !== null,
    );
    expect(ends).toEqual([false, true]);
    expect(body.mails[0]).toMatchObject({
      kind: "verify_email",
      address: user.email,
      language: null,
    });
    expect(body.api_keys).toMatchObject([{ id: key.id, name: "Nightly export", scopes: [] }]);
    const actions = body.audit_events.map(({ action }: { action: string }) => action);
    expect(actions).toEqual([
      "user.created",
      "auth.login_succeeded",
      "user.updated",
      "api_key.created",
      "user.updated",
      "auth.login_succeeded",
      "session.revoked",
    ]);
    expect(body.audit_events[0].changes.email).toEqual({ from: null, to: user.email });
    expect(body.audit_events[4]).toMatchObject({
      changes: { first_name: { from: null, to: "Ada" } },
      ip: "198.51.100.9",
    });
  });

  it("is recorded with who got it, unless it was refused", async () => {
    const user = await createTestUser();
    const admin = await createTestUser("admin");
    const recorded = () =>
      sqlAll(
        "SELECT actor_id FROM audit_events WHERE action = 'user.exported' AND target_id = ? ORDER BY id",
        user.id,
      );
    expect((await exportOf(user.id, await createTestUser())).status).toBe(403);
    expect(await recorded()).toEqual([]);
    await exportOf("me", user);
    await exportOf(user.id, admin);
    expect(await recorded()).toEqual([{ actor_id: user.id }, { actor_id: admin.id }]);
  });

  it("presents the metadata of every audit event as an object", async () => {
    const owner = await createHolder("users:update");
    const key = await createTestKey(owner, ["users:update"]);
    const edit = { method: "PATCH", body: { first_name: "Ada" } };
    expect((await sendWithKey(key, "/v1/users/me", edit)).status).toBe(200);
    await send("/v1/users/me", { ...edit, body: { last_name: "L" }, token: owner.token });
    const { body } = await exportOf("me", owner);
    const events: { action: string; metadata: unknown }[] = body.audit_events;
    expect(events.length).toBeGreaterThan(3);
    for (const { action, metadata } of events) {
      expect(Object.prototype.toString.call(metadata), action).toBe("[object Object]");
    }
    const updates = events.filter(({ action }) => action === "user.updated");
    expect(updates.map(({ metadata }) => metadata)).toEqual([{ user_id: owner.id }, {}]);
  });

  it("contains no secret and no hash", async () => {
    const box = createMailbox();
    const user = await createMailUser(box);
    await flowsOf(box).forgot(user.email);
    const key = await createTestKey(user, []);
    const { text } = await exportOf("me", user);
    const [row] = await sqlAll<Record<string, string>>(
      `SELECT password_hash, data_key, secret_hash, token_hash FROM users
      JOIN api_keys ON api_keys.user_id = users.id JOIN one_time_tokens ON one_time_tokens.user_id = users.id
      WHERE users.id = ?`,
      user.id,
    );
    const secrets = [...Object.values(row ?? {}), user.token, user.refreshToken, key.key, PASSWORD];
    expect(secrets).toHaveLength(8);
    for (const secret of [...secrets, box.tokenTo(user.email)]) expect(text).not.toContain(secret);
    expect(text).not.toMatch(/pbkdf2|password_hash|data_key|sealed|secret|token_hash/);
  });

  it("contains no personal data of others, neither of actors nor of targets", async () => {
    const moderator = await createTestUser("moderator");
    const other = await createTestUser();
    const admin = await createTestUser("admin");
    const edit = (id: string, first_name: string, token: string, ip: string) =>
      send(`/v1/users/${id}`, { method: "PATCH", body: { first_name }, token, ip });
    await edit(other.id, "Grace", moderator.token, "198.51.100.1");
    await edit(moderator.id, "Mary", admin.token, "198.51.100.2");
    const { body, text } = await exportOf("me", moderator);
    expect(text).toContain("198.51.100.1");
    expect(text).toContain("Mary");
    for (const foreign of ["Grace", "198.51.100.2", other.email, other.username, admin.email]) {
      expect(text).not.toContain(foreign);
    }
    const acted = body.audit_events.findLast(
      ({ actor_id }: { actor_id: string }) => actor_id === moderator.id,
    );
    expect(acted).toMatchObject({ action: "user.updated", changes: { first_name: null } });
    expect(acted).not.toHaveProperty("erased");
  });

  it("names no other person by id: neither who changed the user, nor whom the user changed, nor their keys", async () => {
    const moderator = await createTestUser("moderator");
    const other = await createTestUser();
    const admin = await createTestUser("admin");
    const scopes = ["users:read", "users:update", "sessions:read", "sessions:revoke"];
    const foreignKey = await createTestKey(admin, scopes);
    const ownKey = await createTestKey(moderator, ["me:write"]);
    const edit = (first_name: string) => ({ method: "PATCH", body: { first_name } });
    await send(`/v1/users/${moderator.id}`, { ...edit("Mary"), token: admin.token });
    await sendWithKey(foreignKey, `/v1/users/${moderator.id}`, edit("Anne"));
    await sendWithKey(ownKey, "/v1/users/me", edit("Ada"));
    await send(`/v1/users/${other.id}`, { ...edit("Grace"), token: moderator.token });
    const { body, text } = await exportOf("me", moderator);
    for (const { id } of [admin, foreignKey, other]) expect(text).not.toContain(id);
    const updates = body.audit_events.filter(
      ({ action }: { action: string }) => action === "user.updated",
    );
    const own = { actor_type: "user", actor_id: moderator.id };
    expect(updates).toMatchObject([
      { actor_type: "user", actor_id: null, target_id: moderator.id },
      { actor_type: "api_key", actor_id: null, target_id: moderator.id, metadata: {} },
      { actor_type: "api_key", actor_id: ownKey.id, metadata: { user_id: moderator.id } },
      { ...own, target_type: "user", target_id: null },
    ]);
  });

  it("for another user requires users:export, and every permission that the user holds", async () => {
    const [user, moderator] = [await createTestUser(), await createTestUser("moderator")];
    await createRoleRow("exporter", ["users:export"]);
    const exporter = await createTestUser("exporter");
    expect((await exportOf(user.id, exporter)).body.user.id).toBe(user.id);
    expectProblem(await exportOf(moderator.id, exporter), 403, "privilege_escalation");
    expectProblem(await exportOf(user.id, moderator), 403, "forbidden");
    expectProblem(await exportOf(UNKNOWN_ID, moderator), 403, "forbidden");
    expectProblem(await exportOf(UNKNOWN_ID, exporter), 404, "user_not_found");
    expectProblem(await exportOf(user.id), 401, "unauthenticated");
    expect(faultsOf(await exportOf("42", exporter))).toEqual(["id invalid_format"]);
  });

  it("for another user marks no session as current", async () => {
    const user = await createTestUser();
    const { body } = await exportOf(user.id, await createTestUser("admin"));
    expect(body.sessions).toMatchObject([{ current: false }]);
  });

  it("returns a deleted user only with deleted=true and users:export", async () => {
    const user = await createTestUser();
    const body = { display_name: "Ada" };
    await send("/v1/users/me/profile", { method: "PUT", body, token: user.token });
    const admin = await createTestUser("admin");
    await send(`/v1/users/${user.id}`, { method: "DELETE", token: admin.token });
    expectProblem(await exportOf(user.id, admin), 404, "user_not_found");
    const withDeleted = (id: string, { token }: TestUser) =>
      send(`/v1/users/${id}/export?deleted=true`, { token });
    const answer = await withDeleted(user.id, admin);
    expect(answer.status).toBe(200);
    expect(answer.body.user).toMatchObject({
      email: user.email,
      deleted_at: expect.stringMatching(/Z$/),
    });
    expect(answer.body.profile.display_name).toBe("Ada");
    expect(answer.body.audit_events[0].changes.email.to).toBe(user.email);
    const moderator = await createTestUser("moderator");
    for (const id of [user.id, UNKNOWN_ID, "me", moderator.id]) {
      expectProblem(await withDeleted(id, moderator), 403, "forbidden");
    }
    expectProblem(await withDeleted(UNKNOWN_ID, admin), 404, "user_not_found");
    const answers = await send("/v1/users/me/export?deleted=yes", { token: admin.token });
    expect(faultsOf(answers)).toEqual(["deleted invalid_value"]);
  });

  it("lists one-time tokens without the token, and counts known devices and networks without their hashes", async () => {
    const box = createMailbox();
    const user = await createMailUser(box);
    await flowsOf(box).forgot(user.email);
    await sqlRun(
      `UPDATE users SET known_networks = '{"n3twork":1,"other":2}' WHERE id = ?`,
      user.id,
    );
    const { body, text } = await exportOf("me", user);
    const expires_at = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(body.one_time_tokens).toEqual([
      { purpose: "reset_password", address: user.email, expires_at },
      { purpose: "verify_email", address: user.email, expires_at },
    ]);
    expect(body).toMatchObject({ known_device_count: 1, known_network_count: 2 });
    const [row] = await sqlAll<{ known_devices: string }>(
      "SELECT known_devices FROM users WHERE id = ?",
      user.id,
    );
    expect(text).not.toContain(JSON.parse(row?.known_devices ?? "")[0]);
    expect(text).not.toContain("n3twork");
  });

  it("lists the identities at other providers", async () => {
    const user = await createTestUser();
    const id = await linkIdentity(user.id, "s-42");
    await linkIdentity((await createTestUser()).id);
    const identity = {
      id,
      provider: "example",
      issuer: "https://issuer.example",
      subject: "s-42",
      email: "s-42@issuer.example",
      created_at: "1970-01-01T00:00:00.000Z",
      last_used_at: null,
    };
    expect((await exportOf("me", user)).body.identities).toEqual([identity]);
  });

  it("lists the times of login attempts without their networks", async () => {
    const user = await createTestUser();
    const stored = JSON.stringify({
      "*": [1_782_000_000_000, 1_782_000_060_000],
      n3twork: [1_782_000_060_000],
    });
    await sqlRun(
      "INSERT OR REPLACE INTO login_attempts (key, attempts, expires_at) VALUES (?, ?, 9e15)",
      `user:${user.id}`,
      stored,
    );
    const { body, text } = await exportOf("me", user);
    expect(body.login_attempts).toEqual([
      { attempted_at: "2026-06-21T00:00:00.000Z" },
      { attempted_at: "2026-06-21T00:01:00.000Z" },
    ]);
    expect(text).not.toContain("n3twork");
  });

  it("with an API key requires the scope, even for its owner", async () => {
    const admin = await createTestUser("admin");
    const blind = await createTestKey(admin, []);
    expectProblem(await sendWithKey(blind, "/v1/users/me/export"), 403, "forbidden");
  });
});
