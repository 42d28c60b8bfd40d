import { expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { expectWithin, insertSessions, READ, withProductionLimits } from "../support/budgets.ts";
import {
  byRecoveryCode,
  byTotp,
  codeOf,
  createTotpUser,
  halfLogIn,
  sendPassword,
  stepUp,
  verify,
} from "../support/factors.ts";
import { createTestUser, sqlRun } from "../support/fixtures.ts";
import { createPasskeyUser, loginOptions, sendAssertion } from "../support/passkeys.ts";

const produce = () => ({ bindings: withProductionLimits() });

it("POST /v1/auth/login of someone with a second factor", async () => {
  const { username } = await createTotpUser();
  const answer = await sendPassword(username, produce());
  expect(answer.status).toBe(401);
  expect(costOf(answer)).toMatchObject({ queries: 2 });
  expect(costOf(answer).rowsRead).toBeLessThanOrEqual(12);
  expect(costOf(answer).rowsWritten).toBeLessThanOrEqual(4);
});

it.each([
  [0, 0],
  [2000, 45],
])("POST /v1/auth/mfa/verify with %i ended and %i live sessions", async (ended, live) => {
  const user = await createTotpUser();
  await insertSessions(user, ended, live);
  const token = await halfLogIn(user);
  const answer = await verify(token, byTotp(await codeOf(user.secret)), produce());
  expectWithin(answer, { trips: 2, rowsRead: 32, rowsWritten: 13, kv: 1 });
});

it("POST /v1/auth/mfa/verify with a recovery code, which queues a notice", async () => {
  const user = await createTotpUser();
  await sqlRun("UPDATE users SET email_verified = 1 WHERE id = ?", user.id);
  const token = await halfLogIn(user);
  const answer = await verify(token, byRecoveryCode(user.codes[0] ?? ""), produce());
  expectWithin(answer, { trips: 2, rowsRead: 64, rowsWritten: 20, kv: 1 });
});

it("POST /v1/auth/mfa/verify with a wrong code, and with one during a lock-out", async () => {
  const user = await createTotpUser();
  const token = await halfLogIn(user);
  const wrong = await verify(token, byTotp("x"), produce());
  expect(costOf(wrong).queries).toBe(2);
  expect(costOf(wrong).rowsWritten).toBeLessThanOrEqual(6);
  for (let time = 0; time < 4; time += 1) await verify(token, byTotp("x"));
  const locked = await verify(token, byTotp("x"), produce());
  expect(costOf(locked).queries).toBe(1);
  expect(costOf(locked).rowsWritten).toBeLessThanOrEqual(2);
});

it("POST /v1/auth/step-up with a second factor", async () => {
  const user = await createTotpUser();
  const answer = await stepUp(user.token, byTotp(await codeOf(user.secret)), produce());
  expectWithin(answer, { trips: 3, rowsRead: 30, rowsWritten: 8, kv: 0 });
});

it("adding, confirming, renaming and removing an authenticator app", async () => {
  const { token } = await createTestUser();
  const path = "/v1/auth/factors/totp";
  const added = await send(path, { token, body: {}, ...produce() });
  expectWithin(added, { trips: 2, rowsRead: 16, rowsWritten: 4, kv: 0 });
  const { id, secret } = added.body;
  const body = { id, code: await codeOf(secret) };
  const confirmed = await send(`${path}/confirm`, { token, body, ...produce() });
  // The factor: 2, two events: 6, recovery codes: 1, the user with the indexes of lists: 7, the proof of the session: 1.
  expectWithin(confirmed, { trips: 2, rowsRead: 30, rowsWritten: 17, kv: 0 });
  const one = { token, ...produce() };
  const renamed = await send(`/v1/auth/factors/${id}`, {
    ...one,
    method: "PATCH",
    body: { name: "x" },
  });
  expectWithin(renamed, { trips: 2, rowsRead: 16, rowsWritten: 4, kv: 0 });
  expectWithin(await send("/v1/auth/factors", { token, ...produce() }), READ);
  expectWithin(await send("/v1/auth/recovery-codes", { token, ...produce() }), READ);
  const generated = await send("/v1/auth/recovery-codes", { ...one, method: "POST" });
  expectWithin(generated, { trips: 2, rowsRead: 20, rowsWritten: 4, kv: 0 });
  const removed = await send(`/v1/auth/factors/${id}`, { ...one, method: "DELETE" });
  // The factor: 1, the event: 3, the user with the indexes of lists: 7, recovery codes: 1.
  expectWithin(removed, { trips: 2, rowsRead: 40, rowsWritten: 12, kv: 0 });
});

it.each([
  [0, 0],
  [2000, 45],
])("POST /v1/auth/passkey/login with %i ended and %i live sessions", async (ended, live) => {
  const user = await createPasskeyUser();
  await insertSessions(user, ended, live);
  const assertion = await user.authenticator.authenticate(await loginOptions());
  const answer = await sendAssertion(assertion, produce());
  expect(answer.status).toBe(200);
  expectWithin(answer, { trips: 2, rowsRead: 32, rowsWritten: 13, kv: 1 });
});
