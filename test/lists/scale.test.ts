import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { costOf, send } from "../support/api.ts";
import {
  createRoleRow,
  createTestUser,
  logIn,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import {
  FILTERS,
  type Filter,
  finds,
  inOrder,
  insertPeople,
  type Person,
  readPeople,
  SORTS,
  selects,
  toQuery,
} from "./people.ts";

const COUNT = Number(env.TEST_PEOPLE);
const LONG_MS = 600_000;
const LIMIT = 20;
const BOTH_WAYS = SORTS.flatMap((sort) => [sort, `-${sort}`]);
const SEARCHES = ["a", "zoe", "mail77", "example.com", "O'NEIL jose", "nobody"];
const WALKS: readonly Filter[] = [
  { role: "moderator" },
  { deleted: true, is_active: false },
  { mfa_enabled: true, email_verified: true },
];
// With more users than in the whole suite, more lists are read from end to end.
const IS_LONG = COUNT > 20_000;
if (IS_LONG) vi.setConfig({ testTimeout: LONG_MS });

const LONG_WALKS: readonly Filter[] = [
  {},
  { role: "user" },
  { is_active: false },
  { email_verified: true },
  { mfa_enabled: false },
  { deleted: true },
];
/** The rows that a page reads. */
interface Cost {
  perUser: number;
  more: number;
}
const LIST: Cost = { perUser: 1, more: 20 };
const SEARCH: Cost = { perUser: 3, more: 12 };
// Whoever is added and removed while a list is being read.
const GUEST = "guest";

let admin: TestUser;
let token: string;
let people: Person[];

beforeAll(async () => {
  await createRoleRow("support", []);
  admin = await createTestUser("admin");
  await insertPeople(COUNT);
  people = await readPeople();
}, LONG_MS);

// The whole of it takes longer than an access token lives.
beforeEach(async () => {
  ({ token } = await logIn(admin.username));
});

async function list(parameters: object) {
  const answer = await send(`/v1/users?${toQuery(parameters)}`, { token });
  expect(answer.status, answer.text).toBe(200);
  const ids: string[] = answer.body.data.map(({ id }: { id: string }) => id);
  return { ids, pagination: answer.body.pagination, rowsRead: costOf(answer).rowsRead };
}

/** Expects the first page and one in the middle to be right, and to read little more than what they return. */
async function expectPages(parameters: object, expected: readonly Person[], cost: Cost) {
  const name = toQuery(parameters);
  const bound = cost.perUser * (LIMIT + 1) + cost.more;
  const pageAt = (start: number) => expected.slice(start, start + LIMIT).map(({ id }) => id);
  const first = await list({ ...parameters, limit: LIMIT });
  expect(first.ids, name).toEqual(pageAt(0));
  expect(first.rowsRead, name).toBeLessThanOrEqual(bound);
  const skip = Math.min(10_000, Math.max(0, Math.floor(expected.length / 2) - 1));
  const numbered = await list({ ...parameters, limit: 1, skip });
  expect(numbered.ids, name).toEqual(pageAt(skip).slice(0, 1));
  expect(numbered.pagination, name).toMatchObject({ skip, total: expected.length });
  if (numbered.pagination.next_cursor === null)
    return expect(expected.length - skip).toBeLessThan(2);
  const deep = await list({ ...parameters, limit: LIMIT, cursor: numbered.pagination.next_cursor });
  expect(deep.ids, name).toEqual(pageAt(skip + 1));
  expect(deep.rowsRead, name).toBeLessThanOrEqual(bound);
}

/** Reads a list from end to end, while others are added and removed, and expects each of the people exactly once. */
async function expectWalk(parameters: object, expected: readonly Person[]) {
  const known = new Set(expected.map(({ id }) => id));
  const seen: string[] = [];
  let cursor: string | null | undefined;
  for (let page = 0; cursor !== null; page += 1) {
    const { ids, pagination } = await list({
      ...parameters,
      limit: 100,
      ...(cursor && { cursor }),
    });
    seen.push(...ids.filter((id) => known.has(id)));
    cursor = pagination.next_cursor;
    if (page % 4 === 0) await replaceGuests();
  }
  await removeGuests();
  expect(seen).toEqual(expected.map(({ id }) => id));
}

let rounds = 0;

async function replaceGuests() {
  rounds += 1;
  await removeGuests();
  await insertPeople(12, `${GUEST}${rounds}`);
}

function removeGuests() {
  return sqlRun("DELETE FROM users WHERE substr(username_key, 1, 5) = ?", GUEST);
}

describe.each(BOTH_WAYS)("lists by %s", (sort) => {
  it("are right for every filter, and read little more than the page", async () => {
    for (const filter of FILTERS) {
      const some = people.filter((person) => selects(filter, person));
      await expectPages({ ...filter, sort }, inOrder(some, sort), LIST);
    }
  });

  it.each(IS_LONG ? [...WALKS, ...LONG_WALKS] : WALKS)(
    "return every user of %j once, while others come and go",
    async (filter) => {
      const some = people.filter((person) => selects(filter, person));
      await expectWalk({ ...filter, sort }, inOrder(some, sort));
    },
    LONG_MS,
  );
});

it(
  "a list by a time that many users share returns every user once",
  async () => {
    const living = people.filter((person) => selects({}, person));
    await expectWalk({ sort: "-last_login_at" }, inOrder(living, "-last_login_at"));
  },
  LONG_MS,
);

describe("lists by time of creation", () => {
  it.each(["created_at", "-created_at"])("%s from a time to another", async (sort) => {
    const [from, to] = [1000 + (COUNT / 20) * 1000, 1000 + (COUNT / 10) * 1000];
    const times = {
      created_after: new Date(from).toISOString(),
      created_before: new Date(to).toISOString(),
    };
    for (const filter of FILTERS) {
      const some = people.filter(
        (person) => selects(filter, person) && person.created_at >= from && person.created_at < to,
      );
      await expectPages({ ...filter, ...times, sort }, inOrder(some, sort), LIST);
    }
  });
});

describe.each(SEARCHES)("the search %s", (q) => {
  const filters = FILTERS.filter((_, index) => IS_LONG || q === "a" || index % 5 === 0);

  it("finds the right users with filters, and reads three rows for each", async () => {
    for (const filter of filters) {
      const some = people.filter((person) => selects(filter, person) && finds(q, person));
      await expectPages({ ...filter, q }, inOrder(some, "-seq"), SEARCH);
    }
  });

  it(
    "returns every user once, while others come and go",
    async () => {
      const some = people.filter((person) => selects({}, person) && finds(q, person));
      await expectWalk({ q }, inOrder(some, "-seq"));
    },
    LONG_MS,
  );
});
