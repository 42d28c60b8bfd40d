import { expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { createLoginMailbox } from "../support/email-login.ts";
import { createTestUser, newEmail } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

it("refuses each kind of token in the place of another, without I/O, whatever its length", async () => {
  const { token, refreshToken } = await createTestUser("admin");
  expect(token.length).toBeGreaterThan(512);
  const refreshed = await send("/v1/auth/refresh", { body: { refresh_token: token } });
  expectProblem(refreshed, 401, "invalid_refresh_token");
  const read = await send("/v1/auth/me", { token: refreshToken });
  expectProblem(read, 401, "unauthenticated");
  const answers = [refreshed, read];
  const { bindings } = createLoginMailbox();
  const pending = await send("/v1/auth/email-login", { body: { email: newEmail() }, bindings });
  const loginToken: string = pending.body.login_token;
  for (const other of [token, refreshToken, loginToken]) {
    const linked = await send("/v1/auth/email-login/verify", { body: { token: other }, bindings });
    expectProblem(linked, 401, "invalid_code");
    const mfa = { mfa_token: other, method: "totp", code: "123456" };
    const completed = await send("/v1/auth/mfa/verify", { body: mfa, bindings });
    expectProblem(completed, 401, "invalid_mfa_token");
    answers.push(linked, completed);
    const verified = await send("/v1/auth/email/verify", { body: { token: other } });
    expectProblem(verified, 400, "invalid_token");
    const body = { token: other, password: "AnotherPass456!" };
    const reset = await send("/v1/auth/password/reset", { body });
    expectProblem(reset, 400, "invalid_token");
    answers.push(verified, reset);
  }
  for (const other of [
    token,
    refreshToken,
    loginToken.slice(0, -1),
    `rmf_${loginToken.slice(4)}`,
  ]) {
    const body = { login_token: other, code: "123456" };
    const coded = await send("/v1/auth/email-login/verify", { body, bindings });
    expectProblem(coded, 401, "invalid_code");
    answers.push(coded);
  }
  for (const answer of answers) expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 0 });
});
