import { beforeEach, describe, expect, it } from "vitest";
import { type Answer, send } from "../support/api.ts";
import { createHolder, createTestKey, sendWithKey, type TestKey } from "../support/credentials.ts";
import { beforeStatement } from "../support/d1.ts";
import { auditOf, createTestUser, sqlRun, type TestUser } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

let ada: TestUser;
let reader: TestKey;
let writer: TestKey;

beforeEach(async () => {
  ada = await createTestUser();
  reader = await createTestKey(ada, ["me:read"]);
  writer = await createTestKey(ada, ["me:write"]);
});

const patch = (key: TestKey, path: string, body: unknown, more = {}) =>
  sendWithKey(key, path, { method: "PATCH", body, ...more });

/** A body to replace the user with, as they are. */
async function unchanged() {
  const { body } = await send("/v1/users/me", { token: ada.token });
  const { username, email, first_name, last_name, role, is_active } = body;
  return { username, email, first_name, last_name, role, is_active };
}

describe("a key with me:read", () => {
  it("reads its owner's user and profile, by id and by `me`", async () => {
    for (const id of ["me", ada.id, ada.id.toUpperCase()]) {
      const user = await sendWithKey(reader, `/v1/users/${id}`);
      expect({ status: user.status, id: user.body.id }).toEqual({ status: 200, id: ada.id });
      expect((await sendWithKey(reader, `/v1/users/${id}/profile`)).status).toBe(200);
    }
  });

  it("reads nobody else, and changes nothing", async () => {
    const { id } = await createTestUser();
    for (const path of [`/v1/users/${id}`, `/v1/users/${id}/profile`, "/v1/users"]) {
      expectProblem(await sendWithKey(reader, path), 403, "forbidden");
    }
    for (const path of ["/v1/users/me", "/v1/users/me/profile"]) {
      expectProblem(await patch(reader, path, {}), 403, "forbidden");
    }
  });

  it("does not read sessions, keys, the export or deleted users", async () => {
    for (const path of [
      "/v1/users/me/sessions",
      "/v1/users/me/export",
      "/v1/users/me?deleted=true",
      "/v1/api-keys",
      `/v1/api-keys/${reader.id}`,
      "/v1/auth/me",
      "/v1/permissions",
    ]) {
      expectProblem(await sendWithKey(reader, path), 403, "forbidden");
    }
  });

  it("stops when it is re-scoped", async () => {
    const body = { scopes: [] };
    await send(`/v1/api-keys/${reader.id}`, { method: "PATCH", token: ada.token, body });
    expectProblem(await sendWithKey(reader, "/v1/users/me"), 403, "forbidden");
  });
});

describe("a key with me:write", () => {
  it("changes its owner's names and profile, and the event names the key and its owner", async () => {
    const named = await patch(writer, "/v1/users/me", { first_name: "Ada" });
    expect(named.body).toMatchObject({ id: ada.id, first_name: "Ada" });
    const replaced = await sendWithKey(writer, `/v1/users/${ada.id}`, {
      method: "PUT",
      body: { ...(await unchanged()), last_name: "Lovelace" },
    });
    expect(replaced.body).toMatchObject({ full_name: "Ada Lovelace" });
    const path = "/v1/users/me/profile";
    expect((await patch(writer, path, { bio: "Counts." })).body.bio).toBe("Counts.");
    const put = await sendWithKey(writer, path, { method: "PUT", body: { bio: "Plays." } });
    expect(put.body.bio).toBe("Plays.");
    const [event] = (await auditOf(ada.id)).slice(-1);
    expect(event).toMatchObject({
      action: "user.updated",
      actor_type: "api_key",
      actor_id: writer.id,
      metadata: { user_id: ada.id },
    });
  });

  it("works whatever its owner's role, without holding what that grants", async () => {
    const admin = await createTestUser("admin");
    const key = await createTestKey(admin, ["me:write"]);
    expect((await patch(key, "/v1/users/me", { first_name: "Grace" })).status).toBe(200);
    expect((await patch(key, "/v1/users/me/profile", { bio: "x" })).status).toBe(200);
  });

  it("changes no username, email, role or activity, not even with a name, and nobody else", async () => {
    const { id } = await createTestUser();
    for (const [path, body] of [
      ["me", { username: "other_name" }],
      ["me", { first_name: "A", username: "other_name" }],
      ["me", { email: "other@example.com" }],
      ["me", { role: "moderator" }],
      ["me", { is_active: false }],
      [id, { first_name: "A" }],
      [`${id}/profile`, { bio: "A" }],
    ] as const) {
      expectProblem(await patch(writer, `/v1/users/${path}`, body), 403, "forbidden");
    }
    expect(await unchanged()).toMatchObject({ username: ada.username, first_name: null });
    expectProblem(await sendWithKey(writer, "/v1/users/me"), 403, "forbidden");
    const gone = await sendWithKey(writer, "/v1/users/me", { method: "DELETE" });
    expectProblem(gone, 403, "forbidden");
  });

  it("loses nothing that users:update allows: a username needs that, and everything the owner holds", async () => {
    const boss = await createHolder("users:update", "users:read");
    const narrow = await createTestKey(boss, ["me:write", "users:update"]);
    const body = { username: `${boss.username}x` };
    expectProblem(await patch(narrow, "/v1/users/me", body), 403, "privilege_escalation");
    expect((await patch(narrow, "/v1/users/me", { first_name: "A" })).status).toBe(200);
    const wide = await createTestKey(boss, ["me:write", "users:update", "users:read"]);
    expect((await patch(wide, "/v1/users/me", body)).status).toBe(200);
  });

  const WRITES: [string, RegExp, (more: object) => Promise<Answer>][] = [
    [
      "names",
      /^update "users"/,
      (more) => patch(writer, "/v1/users/me", { first_name: "A" }, more),
    ],
    [
      "the profile",
      /^insert into "profiles"/,
      (more) => patch(writer, "/v1/users/me/profile", { bio: "A" }, more),
    ],
  ];
  const LOSSES: [string, string, number, (key: TestKey) => Promise<unknown>][] = [
    ["the scope", "forbidden", 403, ({ id }) => setScopes(id, ["me:read"])],
    [
      "its life",
      "unauthenticated",
      401,
      ({ id }) => sqlRun("UPDATE api_keys SET revoked_at = 1 WHERE id = ?", id),
    ],
    [
      "its time",
      "unauthenticated",
      401,
      ({ id }) => sqlRun("UPDATE api_keys SET expires_at = 1 WHERE id = ?", id),
    ],
    [
      "its owner",
      "unauthenticated",
      401,
      () => sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", ada.id),
    ],
  ];

  it.each(
    WRITES.flatMap(([what, statement, write]) =>
      LOSSES.map(([loss, code, status, lose]) => ({
        what,
        loss,
        code,
        status,
        statement,
        write,
        lose,
      })),
    ),
  )(
    "changes no $what if it loses $loss between read and write: $status $code",
    async ({ statement, write, lose, status, code }) => {
      const bindings = beforeStatement(statement, () => lose(writer));
      expectProblem(await write({ bindings }), status, code);
      expect((await auditOf(ada.id)).map(({ action }) => action)).toEqual(["user.created"]);
    },
  );
});

async function setScopes(id: string, scopes: readonly string[]): Promise<void> {
  await sqlRun("UPDATE api_keys SET scopes = ? WHERE id = ?", JSON.stringify(scopes), id);
}

describe("me:read and me:write", () => {
  it("can be given by everyone to their own keys, and together with permissions", async () => {
    const key = await createTestKey(ada, ["me:write", "me:read"]);
    const { body } = await send(`/v1/api-keys/${key.id}`, { token: ada.token });
    expect(body.scopes).toEqual(["me:read", "me:write"]);
    const moderator = await createTestUser("moderator");
    await createTestKey(moderator, ["users:read", "me:read"]);
  });

  it("in another user's key need what they allow there: users:read and users:update", async () => {
    const manager = await createHolder("api_keys:write");
    const create = (scopes: string[], { token }: TestUser) =>
      send("/v1/api-keys", { body: { name: "x", scopes, user_id: ada.id }, token });
    for (const scope of ["me:read", "me:write"]) {
      expectProblem(await create([scope], manager), 403, "privilege_escalation");
    }
    const rotated = await send(`/v1/api-keys/${reader.id}/rotate`, {
      method: "POST",
      token: manager.token,
    });
    expectProblem(rotated, 403, "privilege_escalation");
    const reading = await createHolder("api_keys:write", "users:read");
    expect((await create(["me:read"], reading)).status).toBe(201);
    expectProblem(await create(["me:write"], reading), 403, "privilege_escalation");
    const admin = await createTestUser("admin");
    expect((await create(["me:read", "me:write"], admin)).status).toBe(201);
  });

  it("are no permissions: no role holds them, no list has them, other `me:` scopes do not exist", async () => {
    const { token } = await createTestUser("admin");
    for (const name of ["me:read", "me:write"]) {
      const body = { name: "mine", permissions: [name] };
      const made = await send("/v1/roles", { body, token });
      expect(faultsOf(made)).toEqual(["permissions.0 invalid_value"]);
    }
    const { body } = await send("/v1/permissions", { token });
    expect(JSON.stringify(body)).not.toContain('"me:');
    const key = await send("/v1/api-keys", { body: { name: "x", scopes: ["me:all"] }, token });
    expect(faultsOf(key)).toEqual(["scopes.0 invalid_value"]);
  });
});
