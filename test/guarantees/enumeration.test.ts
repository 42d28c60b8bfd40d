import { expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { newAccount } from "../support/fixtures.ts";
import { createMailbox, createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";
import { countRows } from "../support/rows.ts";

it("a refused register of a taken name stores and sends nothing, like any other refusal", async () => {
  const box = createMailbox();
  const { username, email } = await createVerifiedMailUser(box);
  const [before, mails] = [await countRows(), box.sent.length];
  const refused = [
    [{ email }, "email_taken"],
    [{ email: email.toUpperCase() }, "email_taken"],
    [{ username }, "username_taken"],
  ] as const;
  const costs = new Set<number>();
  for (const [fields, code] of refused) {
    const body = newAccount(fields);
    const answer = await send("/v1/auth/register", { body, bindings: box.bindings });
    expectProblem(answer, 409, code);
    expect(answer.text).not.toContain(email);
    costs.add(costOf(answer).queries);
  }
  expect(costs.size).toBe(1);
  expect(await countRows()).toEqual(before);
  expect(box.sent.length).toBe(mails);
});
