import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { createTestUser, logIn, sqlRun, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";
import { createReplicatedIsolate } from "../support/replica.ts";

const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;
const SOME_BOOKMARK = "00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683";

type Replicated = Awaited<ReturnType<typeof createReplicatedIsolate>>;

let ada: TestUser;
let admin: TestUser;
let replicated: Replicated;

beforeAll(async () => {
  ada = await createTestUser();
  admin = await createTestUser("admin");
});

beforeEach(async () => {
  replicated = await createReplicatedIsolate();
  await replicated.catchUp();
});

function rename(name: string) {
  const { bindings } = replicated;
  return send("/v1/users/me", {
    token: ada.token,
    method: "PATCH",
    body: { first_name: name },
    bindings,
  });
}

function readOwn(path = "/v1/users/me", headers: Record<string, string> = {}) {
  return send(path, { token: ada.token, headers, bindings: replicated.bindings });
}

describe("reads of one's own data", () => {
  it.each(["/v1/users/me", "/v1/users/me/profile", "/v1/auth/me", "/v1/auth/sessions"])(
    "may come from a replica: GET %s",
    async (path) => {
      const answer = await readOwn(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("X-D1-Bookmark")).toMatch(BOOKMARK);
      expect(replicated.trips).toMatchObject([{ anchor: "first-unconstrained", place: "replica" }]);
    },
  );

  it("may lag, but not behind the bookmark that the client sends", async () => {
    const changed = await rename("Augusta");
    const bookmark = changed.headers.get("X-D1-Bookmark") ?? "";
    expect(bookmark).toMatch(BOOKMARK);
    expect((await readOwn()).body.first_name).not.toBe("Augusta");
    const own = await readOwn("/v1/users/me", { "X-D1-Bookmark": bookmark });
    expect(own.body.first_name).toBe("Augusta");
    expect(own.headers.get("X-D1-Bookmark")).toBe(bookmark);
    await replicated.catchUp();
    replicated.trips.length = 0;
    await readOwn("/v1/users/me", { "X-D1-Bookmark": bookmark });
    expect(replicated.trips).toMatchObject([{ anchor: bookmark, place: "replica" }]);
  });

  it("are not refused by a replica that does not know the session yet", async () => {
    const { token } = await logIn(ada.username);
    const answer = await send("/v1/users/me", { token, bindings: replicated.bindings });
    expect(answer.status).toBe(200);
    expect(replicated.trips.map(({ place }) => place)).toEqual(["replica", "primary"]);
  });

  it("are refused by the primary at the latest when the replica has caught up with the end of the session", async () => {
    const { token } = await logIn(ada.username);
    await replicated.catchUp();
    const { bindings } = replicated;
    const ended = await send("/v1/auth/logout", { method: "POST", token, bindings });
    const bookmark = ended.headers.get("X-D1-Bookmark") ?? "";
    const headers = { "X-D1-Bookmark": bookmark };
    expectProblem(await send("/v1/users/me", { token, headers, bindings }), 401, "unauthenticated");
    await replicated.catchUp();
    expectProblem(await send("/v1/users/me", { token, bindings }), 401, "unauthenticated");
  });

  it("come from the primary for an API key, whose owner only D1 knows", async () => {
    const { bindings } = replicated;
    const key = await createTestKey(ada, ["me:read"]);
    const answer = await sendWithKey(key, "/v1/users/me", { bindings });
    expect(answer.status).toBe(200);
    expect(replicated.trips[0]).toMatchObject({ anchor: "first-primary", place: "primary" });
  });
});

describe("everything else comes from the primary", () => {
  it("reads of others and lists, whatever bookmark is sent", async () => {
    const options = { token: admin.token, headers: { "X-D1-Bookmark": SOME_BOOKMARK } };
    await rename("Byron");
    replicated.trips.length = 0;
    const { bindings } = replicated;
    const other = await send(`/v1/users/${ada.id}`, { ...options, bindings });
    expect(other.body.first_name).toBe("Byron");
    const list = await send("/v1/users", { ...options, bindings });
    expect(list.status).toBe(200);
    expect(replicated.trips.map(({ anchor }) => anchor)).toEqual([
      "first-primary",
      "first-primary",
    ]);
  });

  it("every round trip of a change, a login and a refresh", async () => {
    const { bindings } = replicated;
    await rename("Lovelace");
    const login = await send("/v1/auth/login", {
      body: { username: ada.username, password: "SecurePass123!" },
      bindings,
    });
    expect(login.status).toBe(200);
    const body = { refresh_token: login.body.refresh_token };
    const refreshed = await send("/v1/auth/refresh", { body, bindings });
    expect(refreshed.status).toBe(200);
    expect(refreshed.headers.get("X-D1-Bookmark")).toMatch(BOOKMARK);
    expect(replicated.trips.length).toBeGreaterThan(4);
    for (const { anchor } of replicated.trips) expect(anchor).toBe("first-primary");
  });

  it("authority: a role that was taken away is of no use, although the replica still has it", async () => {
    const moderator = await createTestUser("moderator");
    await replicated.catchUp();
    await sqlRun("UPDATE users SET role = 'user' WHERE id = ?", moderator.id);
    const { bindings } = replicated;
    const answer = await send(`/v1/users/${ada.id}`, { token: moderator.token, bindings });
    expectProblem(answer, 403, "forbidden");
  });
});

describe("X-D1-Bookmark", () => {
  it.each([
    "nonsense",
    "first-unconstrained",
    "first-primary",
    "00000085-0000024c-00004c6d",
    `${SOME_BOOKMARK}-1`,
    SOME_BOOKMARK.toUpperCase(),
    "0".repeat(500),
  ])("is refused if it is malformed: %j", async (bookmark) => {
    const headers = { "X-D1-Bookmark": bookmark };
    for (const bindings of [replicated.bindings, env]) {
      const answer = await send("/v1/users/me", { token: ada.token, headers, bindings });
      expectProblem(answer, 400, "invalid_bookmark");
    }
    expect(replicated.trips).toEqual([]);
    const login = { body: { username: "x", password: "y" }, headers };
    expectProblem(await send("/v1/auth/login", login), 400, "invalid_bookmark");
  });

  it("is absent while read replicas are off, and from responses without D1", async () => {
    const headers = { "X-D1-Bookmark": SOME_BOOKMARK };
    const off = await send("/v1/users/me", { token: ada.token, headers });
    expect([off.status, off.headers.get("X-D1-Bookmark")]).toEqual([200, null]);
    const { bindings } = replicated;
    const anonymous = await send("/v1/users/me", { headers, bindings });
    expect([anonymous.status, anonymous.headers.get("X-D1-Bookmark")]).toEqual([401, null]);
  });

  it("may be read by pages of other origins", async () => {
    const bindings = { ...replicated.bindings, CORS_ORIGINS: "https://app.example" };
    const headers = { Origin: "https://app.example" };
    const answer = await send("/v1/users/me", { token: ada.token, headers, bindings });
    expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("X-D1-Bookmark");
  });

  it("comes with real sessions of D1", async () => {
    const bindings = { ...env, D1_READ_REPLICAS: "on" };
    const answer = await send("/v1/users/me", { token: ada.token, bindings });
    const bookmark = answer.headers.get("X-D1-Bookmark") ?? "";
    expect(bookmark).toMatch(BOOKMARK);
    const again = await send("/v1/users/me", {
      token: ada.token,
      headers: { "X-D1-Bookmark": bookmark },
      bindings,
    });
    expect([answer.status, again.status]).toEqual([200, 200]);
  });
});
