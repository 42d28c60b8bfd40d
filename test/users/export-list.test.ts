import { describe, expect, it } from "vitest";
import { send, start } from "../support/api.ts";
import { createHolder, setRole } from "../support/credentials.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const readLines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** Inserts users who are older than all others, the newest first by their number. */
async function insertUsers(count: number): Promise<void> {
  await sqlRun(
    `INSERT INTO users (id, username, username_key, email, email_key, password_hash, role, created_at, updated_at)
      SELECT printf('0198f3c2-7d3e-7c41-9f2a-%012d', value), 'export' || value, 'export' || value,
        'export' || value || '@example.com', 'export' || value || '@example.com', '$secret$', 'user', 1000000 - value, 1
      FROM json_each(?)`,
    JSON.stringify(Array.from({ length: count }, (_, i) => i)),
  );
}

describe("GET /v1/users/export", () => {
  it("streams every user of the list, in its order, as GET returns them", async () => {
    const { token } = await createTestUser("admin");
    await insertUsers(1200);
    const answer = await send("/v1/users/export", { token });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Type")).toBe("application/x-ndjson");
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.text.endsWith("}\n")).toBe(true);
    expect(answer.text).not.toContain("$secret$");
    const users = readLines(answer.text);
    const [{ total }] = (await sqlAll(
      "SELECT count(*) AS total FROM users WHERE deleted_at IS NULL",
    )) as [{ total: number }];
    expect(users).toHaveLength(total);
    expect(new Set(users.map(({ id }) => id)).size).toBe(total);
    const list = await send("/v1/users?limit=100", { token });
    expect(users.slice(0, 100)).toEqual(list.body.data);
    expect(users.slice(-1200).map(({ username }) => username)).toEqual(
      Array.from({ length: 1200 }, (_, i) => `export${i}`),
    );
  });

  it("takes the filters of the list, and no page", async () => {
    const { token } = await createTestUser("admin");
    const { id } = await createTestUser();
    await send(`/v1/users/${id}`, { method: "DELETE", token });
    const answer = await send("/v1/users/export?deleted=true", { token });
    expect(readLines(answer.text).map((user) => user.id)).toEqual([id]);
    const exporter = await createHolder("users:export");
    const refused = await send("/v1/users/export?deleted=true", { token: exporter.token });
    expectProblem(refused, 403, "forbidden");
    expectProblem(await send("/v1/users/export?limit=10", { token }), 422, "validation_failed");
  });

  it("follows the list's order and its search over many pages, and the event has no word of the search", async () => {
    const { token } = await createTestUser("admin");
    const names = async (query: string) =>
      readLines((await send(`/v1/users/export?${query}`, { token })).text).map(
        ({ username }) => username,
      );
    const numbered = Array.from({ length: 1200 }, (_, i) => `export${i}`);
    const byName = await names("sort=username&role=user&is_active=true&email_verified=false");
    expect(byName.filter((name) => name.startsWith("export"))).toEqual(numbered.toSorted());
    expect(byName).toEqual(byName.toSorted());
    const found = await names("q=export1&role=user");
    expect(found.toSorted()).toEqual(
      numbered.filter((name) => name.startsWith("export1")).toSorted(),
    );
    const [event] = await sqlAll<{ metadata: string }>(
      "SELECT metadata FROM audit_events WHERE action = 'users.exported' ORDER BY id DESC LIMIT 1",
    );
    expect(JSON.parse(event?.metadata ?? "")).toEqual({
      deleted: false,
      searched: true,
      role: "user",
    });
    expectProblem(
      await send("/v1/users/export?q=a&sort=email", { token }),
      422,
      "validation_failed",
    );
  });

  it("is recorded, with its filters, before the first byte", async () => {
    const admin = await createTestUser("admin");
    const { response, settled } = await start("/v1/users/export", { token: admin.token });
    const rows = await sqlAll(
      "SELECT actor_id, metadata FROM audit_events WHERE action = 'users.exported' AND actor_id = ?",
      admin.id,
    );
    expect(rows).toEqual([{ actor_id: admin.id, metadata: '{"deleted":false,"searched":false}' }]);
    await response.body?.cancel();
    await settled;
  });

  it("breaks off within a line when the caller loses the permission", async () => {
    const exporter = await createHolder("users:export");
    const { response } = await start("/v1/users/export", { token: exporter.token });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    expect(first.endsWith("}")).toBe(false);
    expect(() => JSON.parse(first.split("\n").at(-1) ?? "")).toThrow();
    await setRole(exporter, "user");
    await expect(reader.read()).rejects.toThrow();
  });
});
