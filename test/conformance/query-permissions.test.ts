import { expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { createHolder } from "../support/credentials.ts";
import { createTestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

/** Requests by what their caller holds, the permission that a query parameter needs, and a fault in the rest of the query. */
const REQUESTS = [
  ["users:read", "users:delete", "/v1/users?deleted=true", "cursor=wrong"],
  ["users:read", "users:delete", "/v1/users?deleted=true", "limit=0"],
  ["users:read", "users:delete", "/v1/users?deleted=true", "q="],
  ["users:read", "users:delete", `/v1/users/${UNKNOWN_ID}?deleted=true`, "x=1"],
  ["users:read", "users:delete", "/v1/users/me?deleted=true", "x=1"],
  ["users:export", "users:delete", "/v1/users/export?deleted=true", "limit=1"],
  ["users:read", "users:export", "/v1/users/me/export?deleted=true", "x=1"],
  ["audit:export", "audit:read", "/v1/audit-events?format=json", "cursor=wrong"],
  ["audit:export", "audit:read", "/v1/audit-events?limit=1", "action=wrong"],
  ["audit:read", "audit:export", "/v1/audit-events?format=ndjson", "cursor=wrong"],
] as const;

it.each(REQUESTS)(
  "with only %s, without %s, %s is 403 before the fault in `%s` is reported, in one round trip",
  async (held, needed, path, fault) => {
    const holder = await createHolder(held);
    for (const query of [path, `${path}&${fault}`]) {
      const answer = await send(query, { token: holder.token });
      expectProblem(answer, 403, "forbidden");
      expect(answer.body.detail).toContain(needed);
      expect(costOf(answer).queries).toBe(1);
    }
    const { token } = await createTestUser("admin");
    expectProblem(await send(`${path}&${fault}`, { token }), 422, "validation_failed");
  },
);
