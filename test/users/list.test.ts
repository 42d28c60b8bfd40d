import { beforeAll, describe, expect, it } from "vitest";
import { type Answer, costOf, send } from "../support/api.ts";
import { createTestUser, newAccount, sqlAll, type TestUser } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

interface Page {
  data: { id: string; created_at: string; deleted_at: string | null }[];
  pagination: { limit: number; has_more: boolean; next_cursor: string | null };
}

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
  for (let i = 0; i < 24; i += 1) await send("/v1/auth/register", { body: newAccount() });
});

const list = (query = ""): Promise<Answer<Page>> =>
  send<Page>(`/v1/users${query}`, { token: admin.token });

async function walk(query: string, between?: () => Promise<unknown>): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const { body }: Answer<Page> = await list(`${query}${cursor && `&cursor=${cursor}`}`);
    ids.push(...body.data.map(({ id }) => id));
    expect(body.pagination.has_more).toBe(body.pagination.next_cursor !== null);
    cursor = body.pagination.next_cursor;
    await between?.();
  }
  return ids;
}

describe("GET /v1/users", () => {
  it("returns 10 users by default, newest first, with has_more", async () => {
    const { status, body, headers } = await list();
    expect(status).toBe(200);
    expect(body.data).toHaveLength(10);
    expect(body.pagination).toEqual({ limit: 10, has_more: true, next_cursor: expect.any(String) });
    const times = body.data.map(({ created_at }) => created_at);
    expect(times).toEqual([...times].sort().reverse());
    expect(headers.get("Cache-Control")).toBe("no-store");
  });

  it("returns has_more false on a last page that is exactly full", async () => {
    const { length } = await walk("?limit=100");
    expect(length).toBeLessThanOrEqual(100);
    const { body } = await list(`?limit=${length}`);
    expect(body.data).toHaveLength(length);
    expect(body.pagination).toEqual({ limit: length, has_more: false, next_cursor: null });
    expect((await list(`?limit=${length - 1}`)).body.pagination.has_more).toBe(true);
  });

  it("returns has_more false on a page that contains everything", async () => {
    const { body } = await list("?limit=100");
    expect(body.data.length).toBeGreaterThan(20);
    expect(body.pagination).toEqual({ limit: 100, has_more: false, next_cursor: null });
  });

  it("contains no hash", async () => {
    expect((await list("?limit=100")).text).not.toMatch(/password_|hash|pbkdf2/);
  });

  it("reads the rows of its page, not the whole table", async () => {
    const [one, three] = [await list("?limit=1"), await list("?limit=3")];
    expect(costOf(three).rowsRead - costOf(one).rowsRead).toBe(2);
    expect(costOf(one).queries).toBeLessThanOrEqual(2);
  });

  it.each(["1", "100"])("accepts limit=%s", async (limit) => {
    const { status, body } = await list(`?limit=${limit}`);
    expect(status).toBe(200);
    expect(body.pagination.limit).toBe(Number(limit));
  });

  it.each([
    "0",
    "101",
    "-1",
    "1e9",
    "abc",
    "",
    "1.5",
    "%2B5",
    "0x10",
    " 5",
    "99999999999999999999",
  ])("returns 422 for limit=%s", async (limit) => {
    const answer = await list(`?limit=${limit}`);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)[0]).toMatch(/^limit /);
  });

  it.each(["?limit=10&limit=99999", "?colour=red", "?limit[]=5", "?__proto__=1", "?sort=%27;--"])(
    "returns 422 for %s",
    async (query) => {
      expectProblem(await list(query), 422, "validation_failed");
    },
  );

  it("lists every user exactly once, whatever the page size", async () => {
    const all = await sqlAll<{ id: string }>("SELECT id FROM users");
    for (const limit of [1, 7, 100]) {
      const walked = await walk(`?limit=${limit}`);
      expect(walked).toHaveLength(all.length);
      expect(new Set(walked)).toEqual(new Set(all.map(({ id }) => id)));
    }
  });

  it("neither skips nor repeats users created in the same millisecond", async () => {
    const before = (await sqlAll<{ id: string }>("SELECT id FROM users ORDER BY id LIMIT 5")).map(
      ({ id }) => id,
    );
    for (const id of before)
      await sqlAll("UPDATE users SET created_at = 5 WHERE id = ? RETURNING id", id);
    const walked = await walk("?limit=2");
    expect(walked.filter((id) => before.includes(id)).sort()).toEqual([...before].sort());
    expect(new Set(walked).size).toBe(walked.length);
  });

  it("neither skips nor repeats existing users while others are created and deleted", async () => {
    const before = (await sqlAll<{ id: string }>("SELECT id FROM users")).map(({ id }) => id);
    const passing: string[] = [];
    const walked = await walk("?limit=4", async () => {
      const { body } = await send("/v1/auth/register", { body: newAccount() });
      passing.push(body.id);
      const gone = passing.at(-2);
      if (gone) await send(`/v1/users/${gone}`, { method: "DELETE", token: admin.token });
    });
    expect(new Set(walked).size).toBe(walked.length);
    expect(before.filter((id) => !walked.includes(id))).toEqual([]);
  });

  it("returns 422 invalid_cursor for a cursor with any character changed, removed or added", async () => {
    const cursor = (await list("?limit=1")).body.pagination.next_cursor ?? "";
    const changed = [...cursor].map((character, i) => {
      const other = character === "A" ? "B" : "A";
      return cursor.slice(0, i) + other + cursor.slice(i + 1);
    });
    const attempts = [
      ...changed,
      cursor.slice(1),
      cursor.slice(0, -1),
      `${cursor}A`,
      "AAAA",
      "%00",
    ];
    for (const attempt of attempts) {
      const answer = await list(`?limit=1&cursor=${attempt}`);
      expectProblem(answer, 422, "validation_failed");
      expect(faultsOf(answer)).toEqual(["cursor invalid_cursor"]);
    }
  });

  it("returns 422 for an empty and an oversized cursor", async () => {
    expectProblem(await list("?cursor="), 422, "validation_failed");
    expectProblem(await list(`?cursor=${"A".repeat(100_000)}`), 422, "validation_failed");
  });

  it("returns 422 for a cursor of the same list with another filter", async () => {
    const cursor = (await list("?limit=1")).body.pagination.next_cursor;
    const answer = await list(`?limit=1&deleted=true&cursor=${cursor}`);
    expect(faultsOf(answer)).toEqual(["cursor invalid_cursor"]);
  });

  it("lists only deleted users with deleted=true, which requires users:delete", async () => {
    const { body: gone } = await send("/v1/auth/register", { body: newAccount() });
    await send(`/v1/users/${gone.id}`, { method: "DELETE", token: admin.token });
    const deleted = await list("?limit=100&deleted=true");
    expect(deleted.body.data.map(({ id }) => id)).toContain(gone.id);
    expect(deleted.body.data.every(({ deleted_at }) => deleted_at !== null)).toBe(true);
    expect((await list("?limit=100&deleted=false")).body.data.map(({ id }) => id)).not.toContain(
      gone.id,
    );
    const { token } = await createTestUser("moderator");
    expectProblem(await send("/v1/users?deleted=true", { token }), 403, "forbidden");
    expectProblem(await list("?deleted=maybe"), 422, "validation_failed");
  });

  it("returns 401 without a token, 403 without users:read and 200 to a moderator", async () => {
    expectProblem(await send("/v1/users"), 401, "unauthenticated");
    const { token } = await createTestUser();
    expectProblem(await send("/v1/users?limit=0", { token }), 403, "forbidden");
    const moderator = await createTestUser("moderator");
    expect((await send("/v1/users", { token: moderator.token })).status).toBe(200);
  });
});
