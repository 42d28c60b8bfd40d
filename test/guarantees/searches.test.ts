import { expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, newAccount } from "../support/fixtures.ts";

it("searches take % and _ as they are: they are no wildcards", async () => {
  const { token } = await createTestUser("admin");
  const emails = ["100%sure@shop.example", "100x_sure@shop.example", "100xxsure@shop.example"];
  for (const email of emails) await send("/v1/auth/register", { body: newAccount({ email }) });
  const find = async (q: string) => {
    const { body } = await send(`/v1/users?q=${encodeURIComponent(q)}`, { token });
    return body.data.map((user: { email: string }) => user.email).sort();
  };
  expect(await find("100%sure")).toEqual(["100%sure@shop.example"]);
  expect(await find("100x_sure")).toEqual(["100x_sure@shop.example"]);
  expect(await find("100xx_ure")).toEqual([]);
  expect(await find("100%shop")).toEqual([]);
  expect(await find("100_sure")).toEqual([]);
  expect(await find("shop.example")).toEqual(emails.toSorted());
});
