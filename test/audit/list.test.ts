import { beforeAll, describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { createTestUser, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";
import { eventIdAt, insertEvents, type ModelEvent, walkEvents } from "../support/trail.ts";

const START = Date.UTC(2025, 0, 1);
const COUNT = 4000;
const ACTIONS = ["auth.login_succeeded", "user.updated", "password.changed", "role.updated"];
const STRANGER = "0198f3c2-7d3e-7c41-9f2a-000000000001";

let admin: TestUser;
let people: string[];
let model: ModelEvent[];

/** One event per second, by and about the same few people and about no one, in all combinations. */
beforeAll(async () => {
  admin = await createTestUser("admin");
  const [ada, bob] = [await createTestUser(), await createTestUser()];
  people = [ada.id, bob.id, STRANGER];
  const someone = (n: number) => people[n % 4] ?? null;
  model = Array.from({ length: COUNT }, (_, i) => ({
    id: eventIdAt(START + i * 1000, i),
    action: ACTIONS[i % 7] ?? "auth.login_succeeded",
    actor_id: someone(i),
    target_id: i % 3 === 0 ? someone(i) : someone(Math.floor(i / 4)),
    origin_of: i % 11 === 0 ? someone(i + 1) : someone(i),
    // The id can be older than the time of the event.
    created_at: START + i * 1000 + (i % 5) * 900,
  }));
  await insertEvents(model);
});

const at = (second: number) => new Date(START + second * 1000).toISOString();
const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);
const inModel = (events: readonly { id: string; created_at: string }[]) =>
  events.filter(({ created_at }) => created_at < "2026");

/** What the parameters select from the model, the newest first. */
function select(query: URLSearchParams, user?: string): ModelEvent[] {
  const given = (name: string) => query.get(name);
  const isIn = (event: ModelEvent) =>
    (!user || [event.actor_id, event.target_id, event.origin_of].includes(user)) &&
    (!given("actor_id") || event.actor_id === given("actor_id")) &&
    (!given("target_id") || event.target_id === given("target_id")) &&
    (!given("action") || event.action === given("action")) &&
    (!given("from") || event.created_at >= Date.parse(given("from") ?? "")) &&
    (!given("to") || event.created_at < Date.parse(given("to") ?? ""));
  return model.filter(isIn).toReversed();
}

/** Every combination of filters. A people filter is an index into `people`. */
const COMBINATIONS = [undefined, 0, 2].flatMap((actor) =>
  [undefined, 0, 1].flatMap((target) =>
    [undefined, "auth.login_succeeded", "password.changed"].flatMap((action) =>
      [
        [undefined, undefined],
        [at(1000), undefined],
        [undefined, at(3000)],
        [at(1500.9), at(1800.9)],
      ].map(([from, to]) => ({ actor, target, action, from, to })),
    ),
  ),
);

function toQuery({ actor, target, ...rest }: (typeof COMBINATIONS)[number]): URLSearchParams {
  const ids = { actor_id: people[actor ?? -1], target_id: people[target ?? -1] };
  const sent = Object.entries({ ...ids, ...rest, limit: "100" }).filter(([, value]) => value);
  return new URLSearchParams(sent as [string, string][]);
}

describe("GET /v1/audit-events", () => {
  it.each(COMBINATIONS)(
    "lists what the filters select, each event once, the newest first: $actor $target $action $from $to",
    async (filters) => {
      const query = toQuery(filters);
      const { items, answers } = await walkEvents(`/v1/audit-events?${query}`, admin.token);
      expect(idsOf(inModel(items))).toEqual(idsOf(select(query)));
      for (const answer of answers) {
        expect(costOf(answer)).toMatchObject({ queries: 1, rowsWritten: 0 });
        expect(costOf(answer).rowsRead).toBeLessThanOrEqual(2 * 1000 + 4 * 101 + 20);
      }
    },
    20_000,
  );

  it("reads little more than the page where an index has exactly what is selected", async () => {
    const [ada] = people;
    for (const filter of ["", "action=password.changed", `actor_id=${ada}`, `target_id=${ada}`]) {
      const answer = await send(`/v1/audit-events?limit=50&${filter}`, { token: admin.token });
      expect(answer.body.data).toHaveLength(50);
      // Per event its row and its index entry, and the same for the data keys of two persons.
      expect(costOf(answer).rowsRead, filter).toBeLessThanOrEqual(6 * 51 + 15);
    }
  });

  it("ends a page that has examined 1,000 events, and goes on after them", async () => {
    const query = `action=user.updated&actor_id=${STRANGER}&target_id=${people[0]}&to=${at(4000)}&limit=100`;
    const none = `action=user.created&to=${at(4000)}`;
    const first = await send(`/v1/audit-events?${none}`, { token: admin.token });
    expect(first.body.data).toEqual([]);
    expect(first.body.pagination).toMatchObject({ has_more: true });
    const { items, answers } = await walkEvents(`/v1/audit-events?${none}`, admin.token);
    expect(items).toEqual([]);
    expect(answers).toHaveLength(5);
    const walked = await walkEvents(`/v1/audit-events?${query}`, admin.token);
    expect(idsOf(walked.items)).toEqual(idsOf(select(new URLSearchParams(query))));
  });

  it("returns each event once while others are recorded", async () => {
    const [ada] = people;
    const path = `/v1/audit-events?target_id=${ada}&from=${at(3000)}&limit=20`;
    let added = 0;
    const add = async () => {
      added += 1;
      const now = Date.UTC(2025, 5, 1) + added;
      const row = { action: "user.updated", actor_id: STRANGER, target_id: ada ?? null };
      await insertEvents([{ id: eventIdAt(now, added), ...row, origin_of: null, created_at: now }]);
    };
    const { items } = await walkEvents(path, admin.token, add);
    const expected = select(new URLSearchParams({ target_id: ada ?? "", from: at(3000) }));
    expect(added).toBeGreaterThan(5);
    expect(idsOf(items.filter(({ created_at }) => created_at < "2025-03"))).toEqual(
      idsOf(expected),
    );
    expect(new Set(idsOf(items)).size).toBe(items.length);
  });

  it("accepts a cursor only unchanged and for the same filters", async () => {
    const { token } = admin;
    const { body } = await send("/v1/audit-events?action=user.updated&limit=1", { token });
    const cursor: string = body.pagination.next_cursor;
    const changed = `${cursor.slice(0, -2)}${cursor.endsWith("AA") ? "BB" : "AA"}`;
    for (const query of [
      `action=user.updated&cursor=${changed}`,
      `action=user.created&cursor=${cursor}`,
      `cursor=${cursor}`,
    ]) {
      const refused = await send(`/v1/audit-events?${query}`, { token });
      expectProblem(refused, 422, "validation_failed");
      expect(refused.body.errors).toMatchObject([{ path: "cursor", code: "invalid_cursor" }]);
    }
    const ofUser = await send(`/v1/users/me/audit-events?action=user.updated&cursor=${cursor}`, {
      token,
    });
    expectProblem(ofUser, 422, "validation_failed");
  });

  it.each([["action=user.exploded"], ["from=yesterday"], ["to=2025-01-01"], ["skip=1"]])(
    "refuses %s",
    async (query) => {
      const refused = await send(`/v1/audit-events?${query}`, { token: admin.token });
      expectProblem(refused, 422, "validation_failed");
    },
  );
});

describe("GET /v1/users/{id}/audit-events", () => {
  it.each([
    [0, {}],
    [1, {}],
    [0, { action: "password.changed" }],
    [1, { action: "auth.login_succeeded", from: at(500) }],
    [0, { from: at(1500.9), to: at(1800.9) }],
  ])("lists the events that concern a user: %i %j", async (person, filters) => {
    const id = people[person] ?? "";
    const query = new URLSearchParams({ ...filters, limit: "100" } as Record<string, string>);
    const { items } = await walkEvents(`/v1/users/${id}/audit-events?${query}`, admin.token);
    const old = inModel(items).filter(({ created_at }) => created_at < "2025-03");
    expect(idsOf(old)).toEqual(idsOf(select(query, id)));
  });

  it("accepts no cursor of another user's list", async () => {
    const [ada, bob] = people;
    const { token } = admin;
    const { body } = await send(`/v1/users/${ada}/audit-events?limit=1`, { token });
    const cursor = body.pagination.next_cursor;
    const refused = await send(`/v1/users/${bob}/audit-events?limit=1&cursor=${cursor}`, { token });
    expectProblem(refused, 422, "validation_failed");
  });

  it("checks the permission before the user", async () => {
    const moderator = await createTestUser("moderator");
    for (const id of [people[0], STRANGER]) {
      const path = `/v1/users/${id}/audit-events`;
      expectProblem(await send(path, { token: moderator.token }), 403, "forbidden");
    }
    const missing = await send(`/v1/users/${STRANGER}/audit-events`, { token: admin.token });
    expectProblem(missing, 404, "user_not_found");
  });
});
