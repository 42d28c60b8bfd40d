import { base64url } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, logIn, PASSWORD, sqlRun, type TestUser } from "../support/fixtures.ts";
import { createIsolate, createStaleKv, currentIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";

interface Scene {
  admin: TestUser;
  user: TestUser;
  sessionId: string;
  /** Another session of the same user. */
  other: { token: string };
}

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

const asAdmin = (method: string, path: string, body?: unknown) =>
  send(path, { method, token: admin.token, ...(body !== undefined && { body }) });

const EVENTS: [string, (scene: Scene) => Promise<{ status: number }>][] = [
  ["logout", ({ user }) => send("/v1/auth/logout", { method: "POST", token: user.token })],
  [
    "ending the session from another session",
    ({ other, sessionId }) =>
      send(`/v1/auth/sessions/${sessionId}`, { method: "DELETE", token: other.token }),
  ],
  [
    "ending all sessions except another one",
    ({ other }) => send("/v1/auth/sessions", { method: "DELETE", token: other.token }),
  ],
  [
    "the user ending all their sessions",
    ({ other }) => send("/v1/users/me/sessions", { method: "DELETE", token: other.token }),
  ],
  [
    "an administrator ending the session",
    ({ user, sessionId }) => asAdmin("DELETE", `/v1/users/${user.id}/sessions/${sessionId}`),
  ],
  [
    "an administrator ending all sessions",
    ({ user }) => asAdmin("DELETE", `/v1/users/${user.id}/sessions`),
  ],
  [
    "a password change in another session",
    ({ other }) =>
      send("/v1/auth/password/change", {
        token: other.token,
        body: { current_password: PASSWORD, new_password: "another fine secret" },
      }),
  ],
  ["a password reset", ({ user }) => resetPassword(user)],
  ["deactivation", ({ user }) => asAdmin("PATCH", `/v1/users/${user.id}`, { is_active: false })],
  ["deletion by the user", ({ other }) => send("/v1/users/me", { method: "DELETE", ...other })],
  ["deletion by an administrator", ({ user }) => asAdmin("DELETE", `/v1/users/${user.id}`)],
  [
    "an administrator's change of email",
    ({ user }) => asAdmin("PATCH", `/v1/users/${user.id}`, { email: `new-${user.email}` }),
  ],
  ["a role change", ({ user }) => asAdmin("PUT", `/v1/users/${user.id}/role`, { role: "user" })],
];

/** Resets a password with a token like the one in a mail. */
async function resetPassword({ id, email }: TestUser) {
  const token = `rot_${crypto.randomUUID()}`;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  await sqlRun(
    "INSERT INTO one_time_tokens (user_id, purpose, token_hash, address, expires_at) VALUES (?, 'reset_password', ?, ?, ?)",
    id,
    base64url.encode(new Uint8Array(digest)),
    email,
    Date.now() + 60_000,
  );
  return send("/v1/auth/password/reset", { body: { token, password: "another fine secret" } });
}

async function createScene(): Promise<Scene> {
  const user = await createTestUser("moderator");
  const other = await logIn(user.username);
  const { body } = await send("/v1/auth/me", { token: user.token });
  return { admin, user, other, sessionId: body.session.id };
}

/** Bindings of another location, where KV keeps returning the value of the first read. */
const createOtherLocation = () => ({
  ...createIsolate(),
  KV: createStaleKv(Number.POSITIVE_INFINITY),
});

async function introspect(token: string, bindings: Cloudflare.Env): Promise<boolean> {
  const answer = await send("/v1/auth/introspect", {
    token: admin.token,
    body: { token },
    bindings,
  });
  expect(answer.status).toBe(200);
  return answer.body.active;
}

describe.each(EVENTS)("after %s", (_, trigger) => {
  it("refresh, reads and writes are refused immediately in every isolate", async () => {
    const scene = await createScene();
    const { token, refreshToken } = scene.user;
    const behind = createOtherLocation();
    expect((await send("/v1/users/me", { token, bindings: behind })).status).toBe(200);
    expect([200, 204]).toContain((await trigger(scene)).status);
    const paths = [
      "/v1/users/me",
      "/v1/auth/me",
      "/v1/auth/sessions",
      "/v1/users/me/profile",
      `/v1/users/${scene.user.id}`,
      `/v1/users/${admin.id}`,
      `/v1/users/${admin.id}/sessions`,
      "/v1/users",
    ];
    for (const bindings of [behind, currentIsolate(), createIsolate()]) {
      for (const path of paths) {
        expectProblem(await send(path, { token, bindings }), 401, "unauthenticated");
      }
      const write = { method: "PATCH", token, body: { first_name: "Mallory" }, bindings };
      expectProblem(await send("/v1/users/me", write), 401, "unauthenticated");
      const refresh = { body: { refresh_token: refreshToken }, bindings };
      expectProblem(await send("/v1/auth/refresh", refresh), 401, "invalid_refresh_token");
    }
  });

  it("introspection returns inactive in the same isolate, and in others once KV has the change", async () => {
    const scene = await createScene();
    const { token } = scene.user;
    const here = { ...currentIsolate(), KV: createStaleKv(Number.POSITIVE_INFINITY) };
    expect(await introspect(token, here)).toBe(true);
    expect([200, 204]).toContain((await trigger(scene)).status);
    expect(await introspect(token, currentIsolate())).toBe(false);
    expect(await introspect(token, createIsolate())).toBe(false);
  });
});
