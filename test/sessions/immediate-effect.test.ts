import { base64url } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, logIn, PASSWORD, sqlRun, type TestUser } from "../support/fixtures.ts";
import { currentIsolate, isolate, staleKv } from "../support/isolates.ts";
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
    "ending it from another session",
    ({ other, sessionId }) =>
      send(`/v1/auth/sessions/${sessionId}`, { method: "DELETE", token: other.token }),
  ],
  [
    "ending all but another session",
    ({ other }) => send("/v1/auth/sessions", { method: "DELETE", token: other.token }),
  ],
  [
    "ending all of one's own",
    ({ other }) => send("/v1/users/me/sessions", { method: "DELETE", token: other.token }),
  ],
  [
    "an administrator's ending it",
    ({ user, sessionId }) => asAdmin("DELETE", `/v1/users/${user.id}/sessions/${sessionId}`),
  ],
  [
    "an administrator's ending all",
    ({ user }) => asAdmin("DELETE", `/v1/users/${user.id}/sessions`),
  ],
  [
    "a change of password in another session",
    ({ other }) =>
      send("/v1/auth/password/change", {
        token: other.token,
        body: { current_password: PASSWORD, new_password: "another fine secret" },
      }),
  ],
  ["a reset of password", ({ user }) => resetPassword(user)],
  ["deactivation", ({ user }) => asAdmin("PATCH", `/v1/users/${user.id}`, { is_active: false })],
  ["deletion by oneself", ({ other }) => send("/v1/users/me", { method: "DELETE", ...other })],
  ["deletion by an administrator", ({ user }) => asAdmin("DELETE", `/v1/users/${user.id}`)],
  ["a change of role", ({ user }) => asAdmin("PUT", `/v1/users/${user.id}/role`, { role: "user" })],
];

/** Resets a password with a token as a mail would bring it. */
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

async function newScene(): Promise<Scene> {
  const user = await createTestUser("moderator");
  const other = await logIn(user.username);
  const { body } = await send("/v1/auth/me", { token: user.token });
  return { admin, user, other, sessionId: body.session.id };
}

/** Bindings of another location, where KV still answers what it was when it was first asked. */
const elsewhere = () => ({ ...isolate(), KV: staleKv(Number.POSITIVE_INFINITY) });

async function introspect(token: string, bindings: Cloudflare.Env): Promise<boolean> {
  const answer = await send("/v1/auth/introspect", {
    token: admin.token,
    body: { token },
    bindings,
  });
  expect(answer.status).toBe(200);
  return answer.body.active;
}

describe.each(EVENTS)("after %s", (_, happen) => {
  it("refresh, reads and writes are refused at once, in every isolate", async () => {
    const scene = await newScene();
    const { token, refreshToken } = scene.user;
    const behind = elsewhere();
    expect((await send("/v1/users/me", { token, bindings: behind })).status).toBe(200);
    expect([200, 204]).toContain((await happen(scene)).status);
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
    for (const bindings of [behind, currentIsolate(), isolate()]) {
      for (const path of paths) {
        expectProblem(await send(path, { token, bindings }), 401, "unauthenticated");
      }
      const write = { method: "PATCH", token, body: { first_name: "Mallory" }, bindings };
      expectProblem(await send("/v1/users/me", write), 401, "unauthenticated");
      const refresh = { body: { refresh_token: refreshToken }, bindings };
      expectProblem(await send("/v1/auth/refresh", refresh), 401, "invalid_refresh_token");
    }
  });

  it("introspection says inactive at once where it happened, and elsewhere as soon as KV has arrived", async () => {
    const scene = await newScene();
    const { token } = scene.user;
    const here = { ...currentIsolate(), KV: staleKv(Number.POSITIVE_INFINITY) };
    expect(await introspect(token, here)).toBe(true);
    expect([200, 204]).toContain((await happen(scene)).status);
    expect(await introspect(token, currentIsolate())).toBe(false);
    expect(await introspect(token, isolate())).toBe(false);
  });
});
