import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";
import type { Listed } from "../support/trail.ts";

const trailOf = async (path: string, token: string): Promise<Listed[]> => {
  const { body } = await send(path, { token, bindings: createIsolate() });
  return body.data;
};

describe("people in the audit trail", () => {
  it("shows whoever holds audit:read who did what, from where", async () => {
    const [admin, user] = [await createTestUser("admin"), await createTestUser()];
    const body = { first_name: "Grace" };
    await send(`/v1/users/${user.id}`, { method: "PATCH", token: admin.token, body });
    for (const path of [
      `/v1/audit-events?target_id=${user.id}`,
      `/v1/users/${user.id}/audit-events`,
    ]) {
      const [event] = await trailOf(path, admin.token);
      expect(event).toEqual({
        id: expect.any(String),
        action: "user.updated",
        actor_id: admin.id,
        actor_type: "user",
        target_type: "user",
        target_id: user.id,
        changes: { first_name: { from: null, to: "Grace" } },
        ip: "203.0.113.7",
        user_agent: event.user_agent,
        request_id: expect.any(String),
        metadata: {},
        created_at: expect.any(String),
      });
    }
  });

  it("shows a user their own events without other people", async () => {
    const [admin, user] = [await createTestUser("admin"), await createTestUser()];
    const body = { first_name: "Grace" };
    await send(`/v1/users/${user.id}`, { method: "PATCH", token: admin.token, body });
    const events = await trailOf("/v1/users/me/audit-events", user.token);
    expect(events.map(({ action }) => action)).toEqual([
      "user.updated",
      "auth.login_succeeded",
      "user.created",
    ]);
    expect(events[0]).toMatchObject({
      actor_id: null,
      actor_type: "user",
      target_id: user.id,
      ip: null,
      changes: { first_name: { from: null, to: "Grace" } },
    });
    expect(events[0].erased).toBeUndefined();
    expect(JSON.stringify(events)).not.toContain(admin.id);
    expect(events[1]).toMatchObject({ actor_id: user.id, ip: "203.0.113.7" });
    expect(await trailOf(`/v1/users/${user.id}/audit-events`, user.token)).toEqual(events);
  });

  it("shows what was erased as null, and that it was", async () => {
    const [admin, user] = [await createTestUser("admin"), await createTestUser()];
    const erased = await send(`/v1/users/${user.id}/erase`, { method: "POST", token: admin.token });
    expect(erased.status).toBe(204);
    const events = await trailOf(`/v1/audit-events?target_id=${user.id}`, admin.token);
    const created = events.find(({ action }) => action === "user.created");
    expect(created).toMatchObject({
      erased: true,
      changes: { email: null, username: null },
      ip: null,
      user_agent: null,
      target_id: user.id,
    });
    expect(JSON.stringify(events)).not.toContain(user.email);
    const erasure = events.find(({ action }) => action === "user.erased");
    expect(erasure).toMatchObject({ actor_id: admin.id, ip: "203.0.113.7" });
    expect(erasure.erased).toBeUndefined();
    const ofUser = await send(`/v1/users/${user.id}/audit-events`, { token: admin.token });
    expectProblem(ofUser, 404, "user_not_found");
  });

  it("shows an API key as the actor, and its owner in the metadata", async () => {
    const [admin, user] = [await createTestUser("admin"), await createTestUser()];
    const scopes = ["audit:read", "users:update"];
    const { body: key } = await send("/v1/api-keys", {
      token: admin.token,
      body: { name: "Auditor", scopes },
    });
    const headers = { "X-API-Key": key.key };
    const body = { first_name: "Grace" };
    await send(`/v1/users/${user.id}`, { method: "PATCH", headers, body });
    for (const path of [
      `/v1/audit-events?actor_id=${key.id}`,
      "/v1/users/me/audit-events?action=user.updated",
    ]) {
      const { body: page } = await send(path, { headers });
      expect(page.data).toHaveLength(1);
      expect(page.data[0]).toMatchObject({
        actor_id: key.id,
        actor_type: "api_key",
        target_id: user.id,
        metadata: { user_id: admin.id },
      });
    }
  });

  it("refuses an API key without audit:read, even on its owner's events", async () => {
    const admin = await createTestUser("admin");
    const { body: key } = await send("/v1/api-keys", {
      token: admin.token,
      body: { name: "Reader", scopes: ["users:read", "me:read"] },
    });
    const headers = { "X-API-Key": key.key };
    for (const path of ["/v1/audit-events", "/v1/users/me/audit-events"]) {
      expectProblem(await send(path, { headers }), 403, "forbidden");
    }
  });

  it("lists the events of a deleted user", async () => {
    const [admin, user] = [await createTestUser("admin"), await createTestUser()];
    await sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", user.id);
    const events = await trailOf(`/v1/users/${user.id}/audit-events`, admin.token);
    expect(events).toHaveLength(2);
  });
});
