import { env } from "cloudflare:workers";
import { base64url } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestUser, logIn, PASSWORD, sqlRun, type TestUser } from "../support/fixtures.ts";
import { isolate, staleKv } from "../support/isolates.ts";
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

const readOwn = (token: string, bindings: Cloudflare.Env) =>
  send("/v1/users/me", { token, bindings });

/** An isolate that knows the session and stays the only one not to hear of its end: its KV does not change any more. */
async function isolateBehind(token: string): Promise<Cloudflare.Env> {
  const bindings = { ...env, KV: staleKv(Number.POSITIVE_INFINITY) };
  expect((await readOwn(token, bindings)).status).toBe(200);
  return bindings;
}

describe.each(EVENTS)("after %s", (_, happen) => {
  it("refresh, writes and reads of others' data are refused at once, also where KV is behind", async () => {
    const scene = await newScene();
    const { token, refreshToken } = scene.user;
    const behind = await isolateBehind(token);
    const others = `/v1/users/${admin.id}`;
    expect((await send(others, { token, bindings: behind })).status).toBe(200);
    expect([200, 204]).toContain((await happen(scene)).status);
    for (const bindings of [behind, env, isolate()]) {
      const write = { method: "PATCH", token, body: { first_name: "Mallory" }, bindings };
      expectProblem(await send("/v1/users/me", write), 401, "unauthenticated");
      for (const path of [others, "/v1/users", `/v1/users/${admin.id}/sessions`]) {
        expectProblem(await send(path, { token, bindings }), 401, "unauthenticated");
      }
      const refresh = { body: { refresh_token: refreshToken }, bindings };
      expectProblem(await send("/v1/auth/refresh", refresh), 401, "invalid_refresh_token");
    }
  });

  it("reads of one's own are refused at once where it happened and where KV has arrived, and everywhere within 60 seconds", async () => {
    const { start, at } = stopClock();
    const scene = await newScene();
    const { token } = scene.user;
    const behind = await isolateBehind(token);
    expect([200, 204]).toContain((await happen(scene)).status);
    expectProblem(await readOwn(token, env), 401, "unauthenticated");
    const arrived = await readOwn(token, isolate());
    expectProblem(arrived, 401, "unauthenticated");
    expect(costOf(arrived)).toMatchObject({ queries: 0, kvReads: 1 });
    const paths = [
      "/v1/users/me",
      "/v1/auth/me",
      "/v1/auth/sessions",
      `/v1/users/${scene.user.id}`,
    ];
    at(59_000);
    for (const path of paths) await send(path, { token, bindings: behind });
    at(60_000);
    expect(Date.now()).toBe(start + 60_000);
    for (const path of paths) {
      expectProblem(await send(path, { token, bindings: behind }), 401, "unauthenticated");
    }
  });
});
