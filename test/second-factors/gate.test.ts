import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { createTestUser, newAccount, PASSWORD, sqlAll, sqlRun } from "../support/fixtures.ts";

const sources = import.meta.glob<string>("../../src/**/*.ts", {
  query: "?raw",
  import: "default",
  eager: true,
});

const logInAs = (username: string) =>
  send("/v1/auth/login", { body: { username, password: PASSWORD } });

const sessionsOf = (userId: string) => sqlAll("SELECT id FROM sessions WHERE user_id = ?", userId);

async function registerUser() {
  const { body } = await send("/v1/auth/register", { body: newAccount() });
  return { id: body.id as string, username: body.username as string };
}

const enableMfa = (userId: string) =>
  sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", userId);

describe("a login with a password", () => {
  it("of someone with a second factor is mfa_required, and starts no session", async () => {
    const { id, username } = await registerUser();
    await enableMfa(id);
    const answer = await logInAs(username);
    expect(answer).toMatchObject({
      status: 401,
      body: { code: "mfa_required", expires_in: 600, methods: [] },
    });
    expect(answer.body.mfa_token).toMatch(/^rmf_[\w-]+$/);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(await sessionsOf(id)).toEqual([]);
  });

  it("of someone who adds a second factor during the login starts no session", async () => {
    const { id, username } = await registerUser();
    const bindings = beforeStatement(/^insert into "sessions"/i, () => enableMfa(id));
    const answer = await send("/v1/auth/login", {
      body: { username, password: PASSWORD },
      bindings,
    });
    expect(answer).toMatchObject({ status: 401, body: { code: "mfa_required" } });
    expect(await sessionsOf(id)).toEqual([]);
  });

  it("of someone whose role requires a second factor is mfa_enrollment_required", async () => {
    const { id, username } = await registerUser();
    const role = `strict-${username}`;
    await sqlRun(
      `INSERT INTO roles (name, description, permissions, require_mfa, created_at, updated_at) VALUES (?, '', '[]', 1, 0, 0)`,
      role,
    );
    await sqlRun("UPDATE users SET role = ? WHERE id = ?", role, id);
    expect(await logInAs(username)).toMatchObject({
      status: 401,
      body: { code: "mfa_enrollment_required", methods: ["totp", "passkey"] },
    });
    expect(await sessionsOf(id)).toEqual([]);
  });

  it("clears the failed attempts of its network although a second factor is missing", async () => {
    const { id, username } = await registerUser();
    await enableMfa(id);
    for (let attempt = 0; attempt < 9; attempt += 1) {
      await send("/v1/auth/login", { body: { username, password: "wrong-password" } });
    }
    expect(await logInAs(username)).toMatchObject({ body: { code: "mfa_required" } });
    expect(await logInAs(username)).toMatchObject({ body: { code: "mfa_required" } });
  });

  it("gives a token that is no credential", async () => {
    const { id, username } = await registerUser();
    await enableMfa(id);
    const { body } = await logInAs(username);
    const token = body.mfa_token as string;
    expect((await send("/v1/auth/me", { token })).status).toBe(401);
    const refreshed = await send("/v1/auth/refresh", { body: { refresh_token: token } });
    expect(refreshed).toMatchObject({ status: 401, body: { code: "invalid_refresh_token" } });
    const introspector = await createTestUser("admin");
    const seen = await send("/v1/auth/introspect", {
      token: introspector.token,
      body: { token },
    });
    expect(seen.body).toEqual({ active: false });
  });
});

describe("a session", () => {
  it("is started by the gate alone", () => {
    const starters = Object.entries(sources)
      .filter(
        ([path, text]) => !path.endsWith("sessions/begin.ts") && /\bbeginSession\(/.test(text),
      )
      .map(([path]) => path.replace("../../src/", ""));
    expect(starters).toEqual(["authentication/login/gate.ts"]);
  });
});
