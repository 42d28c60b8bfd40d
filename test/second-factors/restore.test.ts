import { expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { byRecoveryCode, halfLogIn, verify } from "../support/factors.ts";
import { createColdIsolate } from "../support/isolates.ts";
import { createPasskeyUser, loginOptions, sendAssertion } from "../support/passkeys.ts";
import { restoreSnapshot, takeSnapshot } from "../support/restore.ts";

it("a restore of the database revives no mfa_token or assertion that was used before the epoch", async () => {
  const clock = stopClock();
  const user = await createPasskeyUser();
  const factor = byRecoveryCode(user.codes[0]);
  const mfaToken = await halfLogIn(user);
  const assertion = await user.authenticator.authenticate(await loginOptions());
  const snapshot = await takeSnapshot();
  const use = async (bindings: Cloudflare.Env) => [
    (await verify(mfaToken, factor, { bindings })).status,
    (await sendAssertion(assertion, { bindings })).status,
  ];
  expect(await use(createColdIsolate())).toEqual([200, 200]);
  await restoreSnapshot(snapshot);
  expect(await use(createColdIsolate())).toEqual([200, 200]);
  await restoreSnapshot(snapshot);
  clock.pass(1000);
  const REVOKED_BEFORE = new Date(Date.now()).toISOString();
  const bindings = createColdIsolate({ REVOKED_BEFORE });
  expect(await use(bindings)).toEqual([401, 401]);
  expect((await verify(await halfLogIn(user), factor, { bindings })).status).toBe(200);
  const fresh = await user.authenticator.authenticate(await loginOptions());
  expect((await sendAssertion(fresh, { bindings })).status).toBe(200);
});
