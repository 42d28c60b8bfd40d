import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { createTestUser, newAccount, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

/** The usernames that a search finds, sorted. */
async function search(q: string, more = ""): Promise<string[]> {
  const answer = await send(`/v1/users?q=${encodeURIComponent(q)}${more}&limit=100`, {
    token: admin.token,
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.body.data.map(({ username }: { username: string }) => username).sort();
}

async function register(fields: Record<string, unknown>): Promise<string> {
  const { body, status, text } = await send("/v1/auth/register", { body: newAccount(fields) });
  expect(status, text).toBe(201);
  return body.id;
}

describe("what a search finds", () => {
  beforeAll(async () => {
    await register({ username: "zoe.b", first_name: "Zoë", last_name: "Brontë" });
    await register({ username: "viet_n", first_name: "Việt", last_name: "Nguyễn" });
    await register({ username: "dara", first_name: "Dara", last_name: "O'Brien-Smith" });
    await register({ username: "li-wei", first_name: "伟", last_name: "李" });
    await register({
      username: "symbols",
      email: "50%_off+*x@shop.example",
      first_name: '"Q" (*)',
    });
    await register({ username: "decomposed", first_name: "Rene\u0301e" });
  });

  it.each([
    // Parts of words, in every field, in any order.
    ["bront", ["zoe.b"]],
    ["ront", ["zoe.b"]],
    ["bronte zoe", ["zoe.b"]],
    ["zoe bronte", ["zoe.b"]],
    ["zoe nguyen", []],
    ["shop.example", ["symbols"]],
    ["brien-smith", ["dara"]],
    ["viet_", ["viet_n"]],
    ["  zoe \u3000 bronte  ", ["zoe.b"]],
    // Case and diacritics.
    ["ZOE", ["zoe.b"]],
    ["zoë", ["zoe.b"]],
    ["ZOË BRONTË", ["zoe.b"]],
    ["zoe\u0308", ["zoe.b"]],
    ["viet nguyen", ["viet_n"]],
    ["VIỆT NGUYỄN", ["viet_n"]],
    ["renee", ["decomposed"]],
    ["renée", ["decomposed"]],
    ["ｚｏｅ", ["zoe.b"]],
    // Words of one and two characters are found at the beginning of a word.
    ["zo br", ["zoe.b"]],
    ["o smi", ["dara"]],
    ["sm", ["dara"]],
    ["ront b", ["zoe.b"]],
    ["ar", []],
    ["李", ["li-wei"]],
    ["李 伟", ["li-wei"]],
    // Nothing but text.
    ["50%_off", ["symbols"]],
    ["%_off+*", ["symbols"]],
    ['"q"', ["symbols"]],
    ['"Q" (*)', ["symbols"]],
    ["zo*", []],
    ["%zoe%", []],
    ["zoe_b", []],
    ["zoe OR dara", []],
    ["zoe NOT dara", []],
    ["NEAR(zoe bronte)", []],
    ["text:zoe", []],
    ["^zoe", []],
    ['zoe" OR "dara', []],
    ["'; DROP TABLE users; --", []],
    ["d0", []],
    ["ruser", []],
  ])("%j finds %j", async (q, expected) => {
    expect(await search(q)).toEqual(expected);
  });

  it("lists the users who were added last first, and those of a filter only", async () => {
    const names = ["order_a", "order_b", "order_c"];
    for (const username of names) await register({ username });
    await sqlRun("UPDATE users SET created_at = 5, is_active = 0 WHERE username = 'order_c'");
    const answer = await send("/v1/users?q=order_", { token: admin.token });
    expect(answer.body.data.map(({ username }: { username: string }) => username)).toEqual(
      names.toReversed(),
    );
    expect(await search("order_", "&is_active=false")).toEqual(["order_c"]);
    expect(await search("order_", "&is_active=true&role=user")).toEqual(["order_a", "order_b"]);
    expect(await search("order_", "&role=use")).toEqual([]);
  });
});

it("finds names with any combining character, as they are stored and by their other letters", async () => {
  const marks = Array.from({ length: 0x70 }, (_, index) => String.fromCodePoint(0x300 + index));
  const names = marks.map((mark) => `q${mark}xkcd`.normalize("NFC"));
  const found: [string, boolean, boolean][] = [];
  for (const [index, name] of names.entries()) {
    const username = `mark${index}`;
    await sqlRun(
      `INSERT INTO users (id, username, username_key, email, email_key, first_name, role, created_at, updated_at)
       VALUES (?1, ?2, ?2, ?2, ?2, ?3, 'user', 1, 1)`,
      `00000000-0000-7000-8000-${String(index + 1).padStart(12, "0")}`,
      username,
      name,
    );
    const byName = await search(name);
    const byLetters = await search(`xkcd ${username}`);
    found.push([name, byName.includes(username), byLetters.includes(username)]);
  }
  expect(found).toEqual(names.map((name) => [name, true, true]));
});

it("finds words after any Unicode space in a name, by their first character", async () => {
  const spaces = [...Array(0x3001).keys()]
    .map((code) => String.fromCodePoint(code))
    .filter((character) => /^\p{Zs}$/u.test(character));
  expect(spaces.length).toBe(17);
  for (const [index, space] of spaces.entries()) {
    const username = `spaced${index}`;
    await register({ username, first_name: `Ada${space}B`, last_name: `Q${space}Ng` });
    expect(await search(`${username} b ng`)).toEqual([username]);
    expect(await search(`${username} Ada${space}B Q${space}N`)).toEqual([username]);
  }
});

describe("what a search refuses", () => {
  it.each([
    ["", "q too_short"],
    ["%20%20", "q too_short"],
    ["%CC%81", "q too_short"],
    ["a".repeat(101), "q too_long"],
    ["a%01b", "q invalid_characters"],
    ["a%00b", "q invalid_characters"],
    ["a%0Ab", "q invalid_characters"],
    ["a%E2%80%8Bb", "q invalid_characters"],
  ])("q=%s is 422 %s", async (q, expected) => {
    const answer = await send(`/v1/users?q=${q}`, { token: admin.token });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual([expected]);
  });

  it("allows 100 characters, and 50 words", async () => {
    expect(await search("é".repeat(100))).toEqual([]);
    expect(await search(Array.from({ length: 50 }, () => "z").join(" "))).toContain("zoe.b");
  });
});

describe("the search index follows every change", () => {
  it("of names, by PATCH", async () => {
    const id = await register({ username: "beforehand" });
    const body = { username: "afterwards", last_name: "Quixote" };
    await send(`/v1/users/${id}`, { method: "PATCH", token: admin.token, body });
    expect(await search("beforehand")).toEqual([]);
    expect(await search("afterw quixote")).toEqual(["afterwards"]);
  });

  it("of the email by its owner, and of its verification", async () => {
    const box = createMailbox();
    const user = await createMailUser(box, { username: "mover", email: "old@harbour.example" });
    const flows = flowsOf(box);
    await flows.verify(box.tokenTo(user.email));
    expect(await search("harbour", "&email_verified=true")).toEqual(["mover"]);
    await flows.changeEmail(user.token, "new@airport.example");
    await flows.verify(box.tokenTo("new@airport.example"));
    expect(await search("harbour")).toEqual([]);
    expect(await search("airport")).toEqual(["mover"]);
  });

  it("of the role, and of whether a user is active", async () => {
    const id = await register({ username: "climber" });
    const body = { role: "moderator", is_active: false };
    await send(`/v1/users/${id}`, { method: "PATCH", token: admin.token, body });
    expect(await search("climber", "&role=user")).toEqual([]);
    expect(await search("climber", "&role=moderator&is_active=false")).toEqual(["climber"]);
  });

  it("of deletion, restoring and erasure", async () => {
    const id = await register({ username: "leaver" });
    const call = (method: string, path = "") =>
      send(`/v1/users/${id}${path}`, { method, token: admin.token });
    await call("DELETE");
    expect([await search("leaver"), await search("leaver", "&deleted=true")]).toEqual([
      [],
      ["leaver"],
    ]);
    await call("POST", "/restore");
    expect([await search("leaver"), await search("leaver", "&deleted=true")]).toEqual([
      ["leaver"],
      [],
    ]);
    const [before] = await sqlAll<{ seq: number }>("SELECT seq FROM users WHERE id = ?", id);
    await call("POST", "/erase");
    expect(await search("leaver")).toEqual([]);
    const left = await sqlAll("SELECT rowid FROM users_search WHERE rowid = ?", before?.seq);
    expect(left).toEqual([]);
  });

  it("of erasure and of new names, after the next hourly run also in what it stores", async () => {
    const name = "𐌲𐌿𐌸";
    const pages = "SELECT id FROM users_search_data WHERE instr(hex(block), hex(?)) > 0";
    const erased = await register({ username: "gothic", last_name: name });
    const renamed = await register({ username: "renamed", last_name: name });
    // More than a round can write anew.
    await sqlRun(
      `INSERT INTO users (id, username, username_key, email, email_key, first_name, role, created_at, updated_at)
       WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 8000)
       SELECT printf('00000000-0000-7000-9000-%012d', n), 'many' || (n * 7919), 'many' || (n * 7919), n || '@x.example',
         n || '@x.example', hex(randomblob(12)), 'user', 1, 1 FROM numbers`,
    );
    const body = { last_name: "other" };
    await send(`/v1/users/${renamed}`, { method: "PATCH", token: admin.token, body });
    await send(`/v1/users/${erased}/erase`, { method: "POST", token: admin.token });
    expect(await sqlAll(pages, name)).not.toEqual([]);
    const logs = captureLogs();
    await runCron(HOURLY);
    expect(await sqlAll(pages, name)).toEqual([]);
    const [run] = logs.of("cron.job").filter(({ job }) => job === "compact_search");
    expect(run).toMatchObject({ finished: true });
    expect(run?.items).toBeGreaterThan(1);
    expect(await search("renamed other")).toEqual(["renamed"]);
    expect(await search("many55433 7@x")).toEqual(["many55433"]);
    expect(await search("gothic")).toEqual([]);
  });

  it("of rows that were inserted without a place in the order", async () => {
    await sqlRun(
      `INSERT INTO users (id, username, username_key, email, email_key, role, created_at, updated_at)
       VALUES ('00000000-0000-7000-8000-000000000000', 'byhand', 'byhand', 'b@x.example', 'b@x.example', 'user', 1, 1)`,
    );
    expect(await search("byhand")).toEqual(["byhand"]);
    const [row] = await sqlAll(
      "SELECT seq = (SELECT max(seq) FROM users) AS last FROM users WHERE username = 'byhand'",
    );
    expect(row).toEqual({ last: 1 });
  });

  it("so that nothing is in the index but the users", async () => {
    const [counts] = await sqlAll(
      "SELECT (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM users_search) AS indexed",
    );
    expect(counts?.indexed).toBe(counts?.users);
  });
});
