import { afterEach, describe, expect, it, vi } from "vitest";
import { createAnalyst, dateOf, stopCalendar } from "../support/analytics.ts";
import { send } from "../support/api.ts";
import { allBut, createHolder, createTestKey } from "../support/credentials.ts";
import { createTestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const PATHS = ["summary", "daily", "retention"];

afterEach(() => vi.useRealTimers());

describe("analytics:read", () => {
  it.each(PATHS)("is enough for /v1/analytics/%s, and nothing else is", async (path) => {
    const holder = await createHolder("analytics:read");
    expect((await send(`/v1/analytics/${path}`, { token: holder.token })).status).toBe(200);
    const other = await createHolder(...allBut("analytics:read"));
    const refused = await send(`/v1/analytics/${path}?from=x`, { token: other.token });
    expectProblem(refused, 403, "forbidden");
    expectProblem(await send(`/v1/analytics/${path}`), 401, "unauthenticated");
  });

  it("is a scope that an administrator can give to an API key", async () => {
    const key = await createTestKey(await createTestUser("admin"), ["analytics:read"]);
    const headers = { "X-API-Key": key.key };
    expect((await send("/v1/analytics/summary", { headers })).status).toBe(200);
  });
});

describe.each(["daily", "retention"])("the range of /v1/analytics/%s", (path) => {
  it.each([
    [`?from=${dateOf(1)}&to=${dateOf(0)}`, "from", "invalid_range"],
    [`?from=${dateOf(-366)}&to=${dateOf(0)}`, "from", "invalid_range"],
    [`?from=${dateOf(-366)}`, "from", "invalid_range"],
    [`?from=${dateOf(1)}`, "from", "invalid_range"],
    ["?from=2026-02-30", "from", "invalid_format"],
    ["?to=2026-06-01T00:00:00Z", "to", "invalid_format"],
    ["?to=", "to", "invalid_format"],
    ["?day=2026-06-01", "day", "unknown_field"],
  ])("refuses %s", async (query, parameter, code) => {
    stopCalendar();
    const { get } = await createAnalyst();
    const answer = await get(`${path}${query}`);
    expectProblem(answer, 422, "validation_failed");
    expect(answer.body.errors).toMatchObject([{ path: parameter, code }]);
  });

  it("has up to 366 days", async () => {
    stopCalendar();
    const { get } = await createAnalyst();
    const answer = await get(`${path}?from=${dateOf(-365)}&to=${dateOf(0)}`);
    expect(answer.status).toBe(200);
    if (path === "daily") expect(answer.body.data).toHaveLength(366);
  });
});
