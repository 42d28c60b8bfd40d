import { expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createHolder } from "../support/credentials.ts";
import { createTestUser, sqlAll } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { eventIdAt, insertEvents } from "../support/trail.ts";

const START = Date.UTC(2025, 0, 1);
const PATH = "/v1/audit-events?format=ndjson";

const linesOf = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { id: string; action: string });

it("exports 20,000 events, each once, the newest first, page by page", async () => {
  const { token } = await createTestUser("admin");
  const events = Array.from({ length: 20_000 }, (_, i) => ({
    id: eventIdAt(START + i, i),
    action: i % 4 === 0 ? "user.updated" : "auth.login_succeeded",
    actor_id: null,
    target_id: `someone ${i % 10}`,
    origin_of: null,
    created_at: START + i,
  }));
  await insertEvents(events);
  const ids = events.map(({ id }) => id).toReversed();
  for (const [filter, expected] of [
    ["&to=2026-01-01T00:00:00Z", ids],
    [
      "&to=2026-01-01T00:00:00Z&action=user.updated",
      events
        .filter(({ action }) => action === "user.updated")
        .map(({ id }) => id)
        .toReversed(),
    ],
  ] as const) {
    const logs = captureLogs();
    const answer = await send(PATH + filter, { token });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Content-Type")).toBe("application/x-ndjson");
    expect(linesOf(answer.text).map(({ id }) => id)).toEqual(expected);
    const [ended] = logs.of("stream.ended") as unknown as { d1: { queries: number } }[];
    expect(ended?.d1.queries).toBeGreaterThan(18);
    expect(ended?.d1.queries).toBeLessThan(50);
  }
});

it("records the export with its filters, and leaves its own event out", async () => {
  const { id, token } = await createTestUser("admin");
  const answer = await send(`${PATH}&actor_id=${id}`, { token });
  expect(linesOf(answer.text).map(({ action }) => action)).toEqual(["auth.login_succeeded"]);
  const rows = await sqlAll(
    "SELECT metadata FROM audit_events WHERE action = 'audit.exported' AND actor_id = ?",
    id,
  );
  expect(rows).toEqual([{ metadata: JSON.stringify({ actor_id: id }) }]);
});

it("needs audit:export, and pages need audit:read", async () => {
  const [reader, exporter] = [await createHolder("audit:read"), await createHolder("audit:export")];
  expectProblem(await send(PATH, { token: reader.token }), 403, "forbidden");
  expectProblem(await send("/v1/audit-events", { token: exporter.token }), 403, "forbidden");
  expect((await send(PATH, { token: exporter.token })).status).toBe(200);
  expect((await send("/v1/audit-events", { token: reader.token })).status).toBe(200);
  const both = await send(`${PATH}&cursor=abc`, { token: exporter.token });
  expectProblem(both, 422, "validation_failed");
});
