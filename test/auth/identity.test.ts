import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { newAccount, PASSWORD, sqlAll } from "../support/fixtures.ts";
import { currentIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const register = (overrides: Record<string, unknown>, bindings = currentIsolate()) =>
  send("/v1/auth/register", { body: newAccount(overrides), bindings });

describe("usernames", () => {
  it.each([
    ["ＫＥＬＬＹ", "KELLY", "kelly"],
    ["\u212Aelvin", "Kelvin", "KELVIN"],
    ["o\uFB03ce", "office", "Office"],
    ["\u{1D41A}ngela", "angela", "ANGELA"],
    ["  trimmed  ", "trimmed", "Trimmed"],
  ])("%s is shown as %s and treated as equal to %s", async (typed, shown, other) => {
    const { body } = await register({ username: typed });
    expect(body.username).toBe(shown);
    for (const username of [other, shown, typed]) {
      expectProblem(await register({ username }), 409, "username_taken");
    }
    const login = await send("/v1/auth/login", { body: { username: typed, password: PASSWORD } });
    expect(login.status).toBe(200);
  });

  it.each([
    "ab",
    "x".repeat(51),
    "with space",
    "with@sign",
    "with\uFF20sign",
    "\u0130stanbul",
    "d\u0131m",
    "stra\u00DFe",
    "\u0430dmin",
    "zero\u200Bwidth",
    "\u200Badmin",
    "admin\u200D",
    "soft\u00ADhyphen",
    "\u202Enimda",
    "admin\u2066",
    "nul\u0000byte",
    "line\nbreak",
    "e\u0301lan",
    "a/b/c",
    "<b>ada</b>",
    "\u3164\u3164\u3164",
  ])("%j is refused with 422", async (username) => {
    const answer = await register({ username });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)[0]).toMatch(/^username (invalid_format|too_short|too_long)$/);
  });

  it.each(["abc", "x".repeat(50), "A.b-c_9", "...", "0123456789"])(
    "%s is accepted",
    async (username) => {
      expect((await register({ username })).status).toBe(201);
    },
  );
});

describe("emails", () => {
  it("are shown as typed and compared case-insensitively", async () => {
    const { body } = await register({ email: " Grace.Hopper+Navy@Example.COM " });
    expect(body.email).toBe("Grace.Hopper+Navy@Example.COM");
    const email = "GRACE.hopper+navy@example.com";
    expectProblem(await register({ email }), 409, "email_taken");
  });

  it.each([
    "nobody",
    "@example.com",
    "a@",
    "a@b@example.com",
    "a\uFF20example.com",
    "\u212A@example.com",
    "o\uFB03ce@example.com",
    "\u0130@example.com",
    "a@ex\u0430mple.com",
    "a\u200Bb@example.com",
    "a@example.com\u200B",
    "\u202Ea@example.com",
    "a@exam\nple.com",
    "a@example.com\r\nBcc: b@example.com",
    "a b@example.com",
    "a..b@example.com",
    ".a@example.com",
    "a.@example.com",
    "a@-example.com",
    "a@example-.com",
    "a@example",
    "a@127.0.0.1",
    "a@[127.0.0.1]",
    "a@example..com",
    '"a b"@example.com',
    "Ada <a@example.com>",
    `${"x".repeat(65)}@example.com`,
    `a@${"x".repeat(64)}.com`,
    `a@${`${"x".repeat(60)}.`.repeat(4)}${"x".repeat(10)}.com`,
  ])("%j is refused with 422", async (email) => {
    const answer = await register({ email });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)[0]).toMatch(/^email (invalid_format|too_long)$/);
  });

  it.each([
    "a@b.co",
    "o'brien!#$%&*+/=?^_`{|}~-@example.com",
    `${"x".repeat(64)}@example.com`,
    `a@${`${"x".repeat(60)}.`.repeat(4)}com`,
    "x@sub.sub.example.museum",
    "x@xn--bcher-kva.example",
  ])("%s is accepted", async (email) => {
    expect((await register({ email })).status).toBe(201);
  });
});

describe("names", () => {
  it.each(["a\u0000b", "a\nb", "\u202Eb", "a\u200Bb", "x".repeat(101), "\u2066x"])(
    "%j is refused with 422",
    async (first_name) => {
      expect(faultsOf(await register({ first_name }))[0]).toMatch(
        /^first_name (invalid_characters|too_long)$/,
      );
    },
  );

  it("of 100 code points, in any script and with markup are kept as data", async () => {
    for (const first_name of [
      "\u{1F600}".repeat(100),
      "李小龍",
      "<script>alert(1)</script>",
      "'; DROP TABLE users;--",
    ]) {
      expect((await register({ first_name })).body.first_name).toBe(first_name);
    }
    expect((await sqlAll("SELECT count(*) AS n FROM users"))[0]?.n).toBeGreaterThan(0);
  });

  it("that are blank are stored as null", async () => {
    const { body } = await register({ first_name: "  ", last_name: null });
    expect(body).toMatchObject({ first_name: null, last_name: null, full_name: null });
  });
});

describe("passwords", () => {
  it.each([
    ["1234567", "too_short"],
    ["\u{1F600}".repeat(7), "too_short"],
    ["x".repeat(257), "too_long"],
    ["\u{1F600}".repeat(65), "too_long"],
    ["password", "too_common"],
    ["12345678", "too_common"],
    ["PassWord", "too_common"],
    ["qwertyuiop", "too_common"],
    ["xx-UNIQUE.name-xx", "contains_username"],
    ["my local.part 9", "contains_email"],
    ["MY LOCAL.PART 9", "contains_email"],
  ])("%s is refused with 422 %s", async (password, code) => {
    const answer = await register({
      username: "unique.name",
      email: "local.part@example.com",
      password,
    });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toContain(`password ${code}`);
  });

  it.each([
    "SecurePass123!",
    "correct horse battery",
    "\u{1F600}".repeat(8),
    "x".repeat(256),
    "        9 spaces",
  ])("%s is accepted", async (password) => {
    const account = newAccount({ password });
    expect((await send("/v1/auth/register", { body: account })).status).toBe(201);
    const { username } = account;
    expect((await send("/v1/auth/login", { body: { username, password } })).status).toBe(200);
  });

  it("must have at least PASSWORD_MIN_LENGTH characters", async () => {
    const bindings = { ...env, PASSWORD_MIN_LENGTH: "16" } as typeof env;
    const short = await register({ password: "fifteen chars.." }, bindings);
    expect(faultsOf(short)).toEqual(["password too_short"]);
    expect((await register({ password: "sixteen chars..." }, bindings)).status).toBe(201);
  });
});

describe("REGISTRATION=closed", () => {
  it("returns 403 registration_closed", async () => {
    const bindings = { ...env, REGISTRATION: "closed" } as typeof env;
    expectProblem(await register({}, bindings), 403, "registration_closed");
  });
});
