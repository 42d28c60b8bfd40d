import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { insertSessions } from "../support/budgets.ts";
import { createTestKey } from "../support/credentials.ts";
import { createRoleRow, createTestUser, sqlRun, type TestUser } from "../support/fixtures.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
  await insertSessions(admin, 3, 5);
  for (const name of ["one", "two", "three"]) await createRoleRow(name, []);
  for (let i = 0; i < 4; i += 1) {
    await createTestUser();
    await createTestKey(admin, []);
    await sqlRun(
      "INSERT INTO unattributed_events VALUES (0, 'auth.login_failed', ?, '', 1)",
      `n${i}`,
    );
    await sqlRun(
      "INSERT INTO audit_seals (day, count, digest, signature, kid, sealed_at) VALUES (?, 0, '', '', '', 0)",
      `2026-10-0${i + 1}`,
    );
    await sqlRun("INSERT INTO custom_permissions VALUES (?, '', 0)", `invoices:v${i}`);
  }
});

const list = (path: string) => send(path, { token: admin.token });

const LISTS = [
  "/v1/users",
  "/v1/users?sort=email",
  "/v1/users?role=user&sort=-username",
  "/v1/users?q=person",
  "/v1/users?created_after=2020-01-01T00:00:00Z",
  "/v1/users/me/sessions",
  "/v1/auth/sessions",
  "/v1/api-keys",
  "/v1/api-keys?user_id=all&revoked=all",
  "/v1/roles",
  "/v1/permissions",
  "/v1/audit-events/unattributed",
  "/v1/audit-events/seals",
];

describe.each(LISTS)("page numbers of %s", (path) => {
  const and = (query: string) => `${path}${path.includes("?") ? "&" : "?"}${query}`;

  it("serve the same items as cursors, with the total", async () => {
    const all: unknown[] = [];
    let cursor = "";
    do {
      const { body } = await list(and(`limit=2${cursor}`));
      expect(Object.keys(body.pagination)).toEqual(["limit", "has_more", "next_cursor"]);
      all.push(...body.data);
      cursor = body.pagination.next_cursor && `&cursor=${body.pagination.next_cursor}`;
    } while (cursor);
    expect(all.length).toBeGreaterThan(3);
    for (let skip = 0; skip <= all.length; skip += 1) {
      const { status, body } = await list(and(`limit=2&skip=${skip}`));
      expect(status).toBe(200);
      expect(body.data).toEqual(all.slice(skip, skip + 2));
      const hasMore = skip + 2 < all.length;
      expect(body.pagination).toEqual({
        limit: 2,
        has_more: hasMore,
        next_cursor: hasMore ? expect.any(String) : null,
        skip,
        total: all.length,
      });
    }
    const { body: first } = await list(and("limit=2&skip=1"));
    const { body: next } = await list(and(`limit=2&cursor=${first.pagination.next_cursor}`));
    expect(next.data).toEqual(all.slice(3, 5));
  });

  it("are 422 with a cursor, and beyond 10,000", async () => {
    const { body } = await list(and("limit=1"));
    const both = await list(and(`skip=1&cursor=${body.pagination.next_cursor}`));
    expectProblem(both, 422, "validation_failed");
    expect(faultsOf(both)).toEqual(["skip unsupported_combination"]);
    expect((await list(and("skip=10000"))).body.data).toEqual([]);
    expect(faultsOf(await list(and("skip=10001")))).toEqual(["skip too_big"]);
    expect(faultsOf(await list(and("skip=-1")))).toEqual(["skip too_small"]);
    expect(faultsOf(await list(and("skip=x")))).toEqual(["skip invalid_format"]);
    expect(faultsOf(await list(and("skip=1&cursor=x&limit=0")))).toEqual([
      "limit too_small",
      "skip unsupported_combination",
    ]);
  });
});

describe("GET /v1/users refuses", () => {
  it.each([
    ["sort=id", ["sort invalid_value"]],
    ["sort=password_hash", ["sort invalid_value"]],
    ["sort=--email", ["sort invalid_value"]],
    ["sort=email;DROP%20TABLE%20users", ["sort invalid_value"]],
    ["sort=email,username", ["sort invalid_value"]],
    ["sort=constructor", ["sort invalid_value"]],
    ["sort=", ["sort invalid_value"]],
    ["role=User", ["role invalid_format"]],
    ["role='", ["role invalid_format"]],
    ["is_active=yes", ["is_active invalid_value"]],
    ["email_verified=1", ["email_verified invalid_value"]],
    ["mfa_enabled=maybe", ["mfa_enabled invalid_value"]],
    ["created_after=yesterday", ["created_after invalid_format"]],
    ["created_before=2026-11-20", ["created_before invalid_format"]],
    ["created_after=2026-11-20T08:00:00Z&sort=email", ["created_after unsupported_combination"]],
    [
      "created_before=2026-11-20T08:00:00Z&sort=-updated_at",
      ["created_before unsupported_combination"],
    ],
    ["q=a&sort=email", ["sort unsupported_combination"]],
    ["q=a&created_after=2026-11-20T08:00:00Z", ["created_after unsupported_combination"]],
    [
      "q=a&sort=id&created_before=2026-11-20T08:00:00Z&skip=1&cursor=x",
      [
        "sort invalid_value",
        "skip unsupported_combination",
        "sort unsupported_combination",
        "created_before unsupported_combination",
        "created_before unsupported_combination",
      ],
    ],
  ])("%s", async (query, faults) => {
    const answer = await list(`/v1/users?${query}`);
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer).toSorted()).toEqual(faults.toSorted());
  });

  it("a cursor of another order, filter or search", async () => {
    const queries = [
      "",
      "sort=created_at",
      "sort=-updated_at",
      "sort=username",
      "role=user",
      "is_active=true",
      "email_verified=false",
      "created_after=2020-01-01T00:00:00Z",
      "created_before=2100-01-01T00:00:00Z",
      "q=person",
      "q=person&role=user",
      "q=perso",
    ];
    const cursors = await Promise.all(
      queries.map(
        async (query) => (await list(`/v1/users?limit=1&${query}`)).body.pagination.next_cursor,
      ),
    );
    for (const [from, cursor] of cursors.entries()) {
      expect(cursor).toEqual(expect.any(String));
      for (const [to, query] of queries.entries()) {
        const answer = await list(`/v1/users?limit=1&${query}&cursor=${cursor}`);
        if (from === to) expect(answer.status, query).toBe(200);
        else
          expect(faultsOf(answer), `${queries[from]} in ${query}`).toEqual([
            "cursor invalid_cursor",
          ]);
      }
    }
  });

  it("accepts the default sort and times of another time zone", async () => {
    const { body } = await list("/v1/users?limit=1");
    const cursor = body.pagination.next_cursor;
    expect((await list(`/v1/users?limit=1&sort=-created_at&cursor=${cursor}`)).status).toBe(200);
    await sqlRun("UPDATE users SET created_at = ? WHERE id = ?", Date.UTC(2020, 0, 1), admin.id);
    const at = async (query: string) => (await list(`/v1/users?${query}`)).body.data.length;
    expect(await at("created_before=2020-01-01T02:00:00%2B02:00")).toBe(0);
    expect(await at("created_before=2020-01-01T02:00:00.001%2B02:00")).toBe(1);
    expect(
      await at("created_after=2020-01-01T02:00:00%2B02:00&created_before=2020-01-02T00:00:00Z"),
    ).toBe(1);
  });
});
