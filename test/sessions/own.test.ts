import { describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import {
  ALL_REFUSED,
  actionsOn,
  auditOf,
  createTestUser,
  logIn,
  statusesOf,
  type TestUser,
} from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const PATH = "/v1/auth/sessions";
const LIVE = { write: 200, read: 200, refresh: 200 };
const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

interface SessionPage {
  data: { id: string; current: boolean; last_used_at: string }[];
  pagination: { limit: number; has_more: boolean; next_cursor: string | null };
}

const list = ({ token }: { token: string }, query = "") =>
  send<SessionPage>(`${PATH}${query}`, { token });

const end = ({ token }: { token: string }, id = "") =>
  send(`${PATH}${id && `/${id}`}`, { method: "DELETE", token });

async function currentId(tokens: { token: string }): Promise<string> {
  const { body } = await send("/v1/auth/me", { token: tokens.token });
  return body.session.id;
}

async function createUserWithSessions(
  count: number,
): Promise<{ user: TestUser; others: { token: string; refreshToken: string }[] }> {
  const user = await createTestUser();
  const others = [];
  for (let i = 1; i < count; i += 1) others.push(await logIn(user.username));
  return { user, others };
}

describe("GET /v1/auth/sessions", () => {
  it("lists the caller's live sessions newest first, and marks the current one", async () => {
    const { user, others } = await createUserWithSessions(3);
    const { status, body, headers } = await list(user);
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(body.data.map(({ current }) => current)).toEqual([false, false, true]);
    expect(body.data[0]?.id).toBe(await currentId(others[1] ?? user));
    expect(Object.keys(body.data[0] ?? {}).sort()).toEqual([
      "country",
      "created_at",
      "current",
      "expires_at",
      "id",
      "ip",
      "last_used_at",
      "user_agent",
    ]);
  });

  it("lists no ended or expired session, and none of other users", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.now();
    const { user, others } = await createUserWithSessions(2);
    await send("/v1/auth/logout", { method: "POST", token: others[0]?.token ?? "" });
    await createTestUser();
    expect((await list(user)).body.data).toHaveLength(1);
    vi.setSystemTime(start + 8 * 86_400_000);
    const later = await logIn(user.username);
    expect((await list(later)).body.data).toHaveLength(1);
  });

  it("lists each session exactly once across pages", async () => {
    const { user } = await createUserWithSessions(5);
    const ids: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const { body }: { body: SessionPage } = await list(
        user,
        `?limit=2${cursor && `&cursor=${cursor}`}`,
      );
      ids.push(...body.data.map(({ id }) => id));
      cursor = body.pagination.next_cursor;
    }
    expect(new Set(ids).size).toBe(5);
    expect(ids).toHaveLength(5);
  });

  it("returns 422 for another user's cursor and a limit outside 1..100, and 401 without a token", async () => {
    const [one, two] = [await createUserWithSessions(2), await createUserWithSessions(2)];
    const { body } = await list(one.user, "?limit=1");
    const foreign = await list(two.user, `?limit=1&cursor=${body.pagination.next_cursor}`);
    expect(faultsOf(foreign)).toEqual(["cursor invalid_cursor"]);
    for (const limit of ["0", "101"])
      expect((await list(one.user, `?limit=${limit}`)).status).toBe(422);
    expectProblem(await send(PATH), 401, "unauthenticated");
  });
});

describe("DELETE /v1/auth/sessions", () => {
  it("ends all other sessions immediately and records session.revoked once", async () => {
    const { user, others } = await createUserWithSessions(3);
    for (const { token } of others) await send("/v1/auth/me", { token });
    expect((await end(user)).status).toBe(204);
    for (const other of others) expect(await statusesOf(other)).toEqual(ALL_REFUSED);
    expect(await statusesOf(user)).toEqual(LIVE);
    expect(await auditOf(user.id)).toMatchObject([
      { action: "user.created" },
      {
        action: "session.revoked",
        actor_id: user.id,
        metadata: { session_id: "all", kept: await currentId(user), reason: "ended" },
      },
    ]);
  });

  it("returns 204 and records nothing without other sessions", async () => {
    const { user } = await createUserWithSessions(1);
    expect((await end(user)).status).toBe(204);
    expect(await actionsOn(user.id)).toEqual(["user.created"]);
  });

  it("returns 401 without a token and from an ended session", async () => {
    const { user, others } = await createUserWithSessions(2);
    expectProblem(await send(PATH, { method: "DELETE" }), 401, "unauthenticated");
    await send("/v1/auth/logout", { method: "POST", token: user.token });
    expectProblem(await end(user), 401, "unauthenticated");
    expect(await statusesOf(others[0] ?? user)).toEqual(LIVE);
  });
});

describe("DELETE /v1/auth/sessions/{id}", () => {
  it("ends only that session, records it, and then returns 404 session_not_found", async () => {
    const { user, others } = await createUserWithSessions(3);
    const [first = user, second = user] = others;
    const id = await currentId(first);
    expect((await end(user, id.toUpperCase())).status).toBe(204);
    expect(await statusesOf(first)).toEqual(ALL_REFUSED);
    expect(await statusesOf(second)).toEqual(LIVE);
    expectProblem(await end(user, id), 404, "session_not_found");
    expect(await auditOf(user.id)).toMatchObject([
      { action: "user.created" },
      { action: "session.revoked", metadata: { session_id: id, reason: "ended" } },
    ]);
  });

  it("returns 404 for another user's session, which remains", async () => {
    const { user } = await createUserWithSessions(1);
    const other = await createTestUser();
    expectProblem(await end(user, await currentId(other)), 404, "session_not_found");
    expectProblem(await end(user, UNKNOWN_ID), 404, "session_not_found");
    expect(await statusesOf(other)).toEqual(LIVE);
  });

  it("ends the current session too", async () => {
    const { user } = await createUserWithSessions(1);
    expect((await end(user, await currentId(user))).status).toBe(204);
    expect(await statusesOf(user)).toEqual(ALL_REFUSED);
  });

  it("returns 401 without a token and 422 for a malformed id", async () => {
    const { user } = await createUserWithSessions(1);
    expectProblem(
      await send(`${PATH}/${UNKNOWN_ID}`, { method: "DELETE" }),
      401,
      "unauthenticated",
    );
    const answer = await end(user, "me");
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["id invalid_format"]);
    expect(costOf(answer).rowsWritten).toBe(0);
  });
});
