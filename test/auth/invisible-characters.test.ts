import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { newAccount } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

describe("invisible characters at the start or end", () => {
  it.each([
    { username: "\uFEFFadmin" },
    { username: "admin\uFEFF" },
    { username: "\nadmin" },
    { username: "admin\u2028" },
    { email: "\uFEFFa@example.com" },
    { email: "b@example.com\r\n" },
    { first_name: "\uFEFFAda" },
    { first_name: "Ada\n" },
  ])("are refused, not stripped: %j", async (field) => {
    const answer = await send("/v1/auth/register", { body: newAccount(field) });
    expectProblem(answer, 422, "validation_failed");
  });

  it("are unlike spaces, which are trimmed", async () => {
    const { username } = newAccount();
    const answer = await send("/v1/auth/register", {
      body: newAccount({ username: `  ${username} ` }),
    });
    expect(answer.body.username).toBe(username);
  });
});
