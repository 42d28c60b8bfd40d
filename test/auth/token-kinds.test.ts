import { expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { createTestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

it("refuses each kind of token in the place of another, without I/O, whatever its length", async () => {
  const { token, refreshToken } = await createTestUser("admin");
  expect(token.length).toBeGreaterThan(512);
  const refreshed = await send("/v1/auth/refresh", { body: { refresh_token: token } });
  expectProblem(refreshed, 401, "invalid_refresh_token");
  const read = await send("/v1/auth/me", { token: refreshToken });
  expectProblem(read, 401, "unauthenticated");
  const answers = [refreshed, read];
  for (const other of [token, refreshToken]) {
    const verified = await send("/v1/auth/email/verify", { body: { token: other } });
    expectProblem(verified, 400, "invalid_token");
    const body = { token: other, password: "AnotherPass456!" };
    const reset = await send("/v1/auth/password/reset", { body });
    expectProblem(reset, 400, "invalid_token");
    answers.push(verified, reset);
  }
  for (const answer of answers) expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 0 });
});
