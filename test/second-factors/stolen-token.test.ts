import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestKey, withKey } from "../support/credentials.ts";
import { afterStatement } from "../support/d1.ts";
import {
  createRoleRow,
  createTestUser,
  newAccount,
  newRole,
  PASSWORD,
  sqlRun,
} from "../support/fixtures.ts";
import { isReplayed, sendKeyed } from "../support/idempotency.ts";
import { createIsolate } from "../support/isolates.ts";
import { age, MAX_AGE_SECONDS, refusalOf, refusedFor, stepUpAs } from "../support/step-up.ts";

describe("a stolen access token", () => {
  it("makes no key or role worth more", async () => {
    const admin = await createTestUser("admin");
    const key = await createTestKey(admin, []);
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    const expired = await createTestKey(admin, ["users:read"], { expires_at });
    await sqlRun("UPDATE api_keys SET expires_at = 1 WHERE id = ?", expired.id);
    const role = await newRole([]);
    const { token } = await age(admin);
    const permissions = ["users:read"];
    const answers = [
      await send(`/v1/api-keys/${key.id}`, {
        token,
        method: "PATCH",
        body: { scopes: permissions },
      }),
      await send(`/v1/api-keys/${expired.id}`, {
        token,
        method: "PATCH",
        body: { expires_at: null },
      }),
      await send(`/v1/roles/${role}`, { token, method: "PUT", body: { permissions } }),
    ];
    expect(answers.map(refusalOf)).toEqual(answers.map(() => refusedFor("aal1")));
    expect((await send("/v1/users", withKey(expired))).status).toBe(401);
    expect((await send("/v1/users", withKey(key))).status).toBe(403);
    expect((await send(`/v1/roles/${role}`, { token })).body.permissions).toEqual([]);
  });

  it("creates no key, changes no email or username, and deletes no account, role or key", async () => {
    const admin = await createTestUser("admin");
    const victim = await createTestUser();
    const key = await createTestKey(admin, []);
    await createRoleRow("stolen", []);
    const { token } = await age(admin);
    const email = newAccount().email;
    const answers = [
      await send("/v1/api-keys", { token, body: { name: "Mine", scopes: ["users:read"] } }),
      await send(`/v1/api-keys/${key.id}/rotate`, { token, method: "POST" }),
      await send(`/v1/api-keys/${key.id}`, { token, method: "DELETE" }),
      await send("/v1/auth/email/change", { token, body: { email, current_password: PASSWORD } }),
      await send(`/v1/users/${victim.id}`, { token, method: "PATCH", body: { email } }),
      await send("/v1/users/me", { token, method: "PATCH", body: { username: "mine_now" } }),
      await send(`/v1/users/${victim.id}`, { token, method: "PATCH", body: { username: "mine" } }),
      await send("/v1/users/me", { token, method: "DELETE" }),
      await send(`/v1/users/${victim.id}`, { token, method: "DELETE" }),
      await send(`/v1/users/${victim.id}/erase`, { token, method: "POST" }),
      await send("/v1/roles/stolen", { token, method: "DELETE" }),
    ];
    expect(answers.map(refusalOf)).toEqual(answers.map(() => refusedFor("aal1")));
    const known = await send("/v1/users/me", { token });
    expect(known.body).toMatchObject({ username: admin.username, email: admin.email });
    expect((await send(`/v1/users/${victim.id}`, { token })).body).toMatchObject({
      username: victim.username,
      email: victim.email,
    });
    expect((await send("/v1/roles/stolen", { token })).status).toBe(200);
    expect((await send("/v1/api-keys", { token })).body.data).toEqual([
      expect.objectContaining({ id: key.id, revoked_at: null }),
    ]);
  });

  it("does not get a secret again that was shown before", async () => {
    const admin = await createTestUser("admin");
    const path = "/v1/api-keys";
    const options = { token: admin.token, body: { name: "Nightly export", scopes: [] } };
    const created = await sendKeyed("stolen-1", { path, options });
    expect(created.status).toBe(201);
    await age(admin);
    const repeated = await sendKeyed("stolen-1", { path, options });
    expect(refusalOf(repeated)).toEqual(refusedFor("aal1"));
    expect(repeated.text).not.toContain(created.body.key);
    const again = await sendKeyed("stolen-1", { path, options }, { token: await stepUpAs(admin) });
    expect(isReplayed(again)).toBe(true);
    expect(again.body.key).toBe(created.body.key);
  });

  it("can still end sessions", async () => {
    const { token } = await age(await createTestUser());
    expect((await send("/v1/auth/sessions", { token, method: "DELETE" })).status).toBe(204);
    expect((await send("/v1/auth/logout", { token, method: "POST" })).status).toBe(204);
  });
});

describe("the maximum age of an authentication", () => {
  const createKey = (token: string) =>
    send("/v1/api-keys", { token, body: { name: "Nightly export", scopes: [] } });

  it("is STEP_UP_MAX_AGE_SECONDS, to the second", async () => {
    const { pass } = stopClock();
    const { token } = await createTestUser();
    pass(MAX_AGE_SECONDS * 1000);
    expect((await createKey(token)).status).toBe(201);
    pass(1);
    expect(refusalOf(await createKey(token))).toEqual(refusedFor("aal1"));
  });

  it("is in the challenge", async () => {
    const { pass } = stopClock();
    const { token } = await createTestUser();
    pass(61_000);
    const answer = await send("/v1/api-keys", {
      token,
      body: { name: "Nightly export", scopes: [] },
      bindings: createIsolate({ STEP_UP_MAX_AGE_SECONDS: "60" }),
    });
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/acr_values="aal1", max_age="60"$/);
  });

  it("does not break off an export that began in time", async () => {
    const admin = await createTestUser("admin");
    const { id } = await createTestUser();
    const { status, text } = await send(`/v1/users/${id}/export`, {
      token: admin.token,
      bindings: afterStatement(/another_admin_remains/, () => age(admin)),
    });
    expect(status).toBe(200);
    expect(JSON.parse(text).user.id).toBe(id);
  });
});

describe("a caller whose password was wrong before", () => {
  it("is not charged with attempts by a refusal for the age of their authentication", async () => {
    const user = await age(await createTestUser());
    const body = { email: newAccount().email, current_password: "wrong-password" };
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const answer = await send("/v1/auth/email/change", { token: user.token, body });
      expect(refusalOf(answer)).toEqual(refusedFor("aal1"));
    }
    expect(await stepUpAs(user)).toMatch(/^ey/);
  });
});
