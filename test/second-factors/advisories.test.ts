import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import {
  byRecoveryCode,
  byTotp,
  codeOf,
  createTotpUser,
  halfLogIn,
  stepUp,
  verify,
  wrongCodeOf,
} from "../support/factors.ts";
import { createTestUser, sqlAll } from "../support/fixtures.ts";
import {
  assertMfa,
  createPasskeyUser,
  loginOptions,
  passkeyLogin,
  sendAssertion,
} from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";

/** Each test is named after an advisory about another system, whose attack it makes. */
describe("attacks that worked elsewhere", () => {
  it("CVE-2024-32868: codes of a second factor cannot be guessed without a limit", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    const wrong = byTotp(await wrongCodeOf(user.secret));
    for (let attempt = 0; attempt < 5; attempt += 1) await verify(token, wrong);
    expectProblem(await verify(token, wrong), 429, "too_many_attempts");
    const right = byTotp(await codeOf(user.secret));
    expectProblem(await verify(token, right), 429, "too_many_attempts");
  });

  it("CVE-2025-64102: neither another login, another method nor another endpoint resets the limit", async () => {
    const user = await createTotpUser();
    const wrong = byTotp(await wrongCodeOf(user.secret));
    for (let attempt = 0; attempt < 3; attempt += 1) await verify(await halfLogIn(user), wrong);
    await verify(await halfLogIn(user), byRecoveryCode("0000-0000-0000-0000"));
    await stepUp(user.token, wrong);
    const token = await halfLogIn(user);
    expectProblem(await verify(token, wrong), 429, "too_many_attempts");
    expectProblem(await stepUp(user.token, wrong), 429, "too_many_attempts");
  });

  it("CVE-2026-35597: the count of wrong codes stays although each request is refused", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    await verify(token, byTotp(await wrongCodeOf(user.secret)));
    const rows = await sqlAll<{ attempts: string }>(
      "SELECT attempts FROM login_attempts WHERE key = ?",
      `mfa:${user.id}`,
    );
    expect(JSON.parse(rows[0]?.attempts ?? "{}").codes).toHaveLength(1);
  });

  it("CVE-2025-64103: a second factor is asked for although no role requires one", async () => {
    for (const user of [await createTotpUser(), await createPasskeyUser()]) {
      const before = await sqlAll("SELECT id FROM sessions WHERE user_id = ?", user.id);
      const token = await halfLogIn(user);
      expectProblem(await send("/v1/auth/me", { token }), 401, "unauthenticated");
      expect(await sqlAll("SELECT id FROM sessions WHERE user_id = ?", user.id)).toEqual(before);
    }
  });

  it("GHSA-xg6x-h9c9-2m83: no cache knows a session before the second factor", async () => {
    const { token } = await createTestUser("admin");
    const user = await createPasskeyUser();
    const half = await halfLogIn(user);
    const seen = await send("/v1/auth/introspect", { token, body: { token: half } });
    expect(seen.body).toEqual({ active: false });
    expectProblem(await send("/v1/users/me", { token: half }), 401, "unauthenticated");
    const refreshed = await send("/v1/auth/refresh", { body: { refresh_token: half } });
    expectProblem(refreshed, 401, "invalid_refresh_token");
  });

  it("GHSA-4vcf-q4xf-f48m: nobody removes or renames the passkey of someone else", async () => {
    const { authenticator, factor } = await createPasskeyUser();
    const path = `/v1/auth/factors/${factor.id}`;
    for (const { token } of [await createTestUser(), await createTestUser("admin")]) {
      expectProblem(await send(path, { method: "DELETE", token }), 404, "factor_not_found");
      const body = { name: "Mine" };
      expectProblem(await send(path, { method: "PATCH", token, body }), 404, "factor_not_found");
    }
    expect((await passkeyLogin(authenticator)).status).toBe(200);
  });

  it("CVE-2026-28787: a challenge that the sender chose, or that was used, starts no session", async () => {
    const { authenticator } = await createPasskeyUser();
    const options = await loginOptions();
    const chosen = await authenticator.authenticate({ ...options, challenge: "Y2hvc2Vu" });
    expectProblem(await sendAssertion(chosen), 401, "invalid_credentials");
    const assertion = await authenticator.authenticate(options);
    expect((await sendAssertion(assertion)).status).toBe(200);
    expectProblem(await sendAssertion(assertion), 401, "invalid_credentials");
  });
});

describe("a login with a passkey and a password at once", () => {
  it("of one assertion sent twenty times starts one session", async () => {
    const user = await createPasskeyUser();
    const before = await sqlAll("SELECT id FROM sessions WHERE user_id = ?", user.id);
    const mfa_token = await halfLogIn(user);
    const credential = await assertMfa(user.authenticator, mfa_token);
    const body = { mfa_token, method: "passkey", credential };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => send("/v1/auth/mfa/verify", { body })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const after = await sqlAll("SELECT id FROM sessions WHERE user_id = ?", user.id);
    expect(after).toHaveLength(before.length + 1);
  });
});
