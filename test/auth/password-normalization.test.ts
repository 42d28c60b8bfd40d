import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { newAccount } from "../support/fixtures.ts";
import { faultsOf } from "../support/problems.ts";

const register = (password: string) => {
  const account = newAccount({ password });
  return { account, answer: send("/v1/auth/register", { body: account }) };
};

describe("a password is compared after normalization to NFKC, and no other", () => {
  it.each([
    ["composed", "caf\u00E9 au lait", "cafe\u0301 au lait"],
    ["compatibility forms", "ﬃ secret １８１５", "ffi secret 1815"],
  ])("works whichever code points a keyboard sends: %s", async (_, one, other) => {
    const { account, answer } = register(one);
    expect((await answer).status).toBe(201);
    const { username } = account;
    for (const password of [one, other]) {
      expect((await send("/v1/auth/login", { body: { username, password } })).status).toBe(200);
    }
  });

  it.each(["Fine Secret 1815", " fine secret 1815", "fine  secret 1815"])(
    "is not the same in another case or with other spaces: %j",
    async (other) => {
      const { account, answer } = register("fine secret 1815");
      expect((await answer).status).toBe(201);
      const body = { username: account.username, password: other };
      expect((await send("/v1/auth/login", { body })).status).toBe(401);
    },
  );

  it("has the length that is left after it", async () => {
    expect(faultsOf(await register("e\u0301".repeat(4)).answer)).toEqual(["password too_short"]);
    expect((await register("\uFB00".repeat(4)).answer).status).toBe(201);
    const grows = "\uFDFA".repeat(20);
    expect(faultsOf(await register(grows).answer)).toEqual(["password too_long"]);
  });
});

describe("the part of the address before the @", () => {
  const refuses = async (email: string, password: string) =>
    faultsOf(await send("/v1/auth/register", { body: newAccount({ email, password }) }));

  it("counts from three characters on, as documented", async () => {
    expect(await refuses("kay@example.com", "Okay and fine")).toEqual(["password contains_email"]);
    expect(await refuses("ka@example.com", "Okay and fine")).toEqual([]);
  });
});
