import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createAuthenticator, signWith } from "../support/authenticator.ts";
import { halfLogIn } from "../support/factors.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import {
  addPasskey,
  assertMfa,
  assertStepUp,
  createPasskeyUser,
  loginOptions,
  passkeyLogin,
  sendAssertion,
} from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";
import { setProofs } from "../support/step-up.ts";

const KEY_WITHOUT_PIN = { isUserVerified: false, isBackupEligible: false, isBackedUp: false };

/** A user who has added a security key without a PIN. Whoever finds it can set one. */
async function createKeyUser() {
  const user = await createTestUser();
  const authenticator = createAuthenticator(KEY_WITHOUT_PIN);
  await addPasskey(user, authenticator);
  return { ...user, authenticator };
}

const WITH_PIN = { isUserVerified: true };

const checkedOf = ({ id }: { id: string }) =>
  sqlAll("SELECT is_user_verified AS is_checked FROM factors WHERE user_id = ?", id);

describe("a security key that had no PIN when it was added", () => {
  it("does not log in alone, although it has a PIN now", async () => {
    const user = await createKeyUser();
    expectProblem(await passkeyLogin(user.authenticator, WITH_PIN), 401, "invalid_credentials");
    expect(await checkedOf(user)).toEqual([{ is_checked: 0 }]);
  });

  it("is one factor of a step-up, even with a PIN", async () => {
    const user = await createKeyUser();
    await setProofs(user, { pwd: 0 });
    const credential = await assertStepUp(user.authenticator, user.token, WITH_PIN);
    const body = { method: "passkey", credential };
    const answer = await send("/v1/auth/step-up", { token: user.token, body });
    expect(answer).toMatchObject({ status: 200, body: { acr: "aal1" } });
    expect(await checkedOf(user)).toEqual([{ is_checked: 0 }]);
  });

  it("logs in alone once its PIN came beside the password", async () => {
    const user = await createKeyUser();
    const mfa_token = await halfLogIn(user);
    const credential = await assertMfa(user.authenticator, mfa_token, WITH_PIN);
    const body = { mfa_token, method: "passkey", credential };
    const answer = await send("/v1/auth/mfa/verify", { body });
    expect(decodeJwt(answer.body.access_token).amr).toEqual(["pwd", "hwk", "user", "mfa"]);
    expect((await passkeyLogin(user.authenticator, WITH_PIN)).status).toBe(200);
    expectProblem(await passkeyLogin(user.authenticator), 401, "invalid_credentials");
  });
});

describe("a passkey that an earlier release stored", () => {
  it("logs in alone as before", async () => {
    const user = await createPasskeyUser();
    await sqlRun("UPDATE factors SET is_user_verified = NULL WHERE user_id = ?", user.id);
    expect((await passkeyLogin(user.authenticator)).status).toBe(200);
  });
});

describe("an assertion with a key that everyone knows", () => {
  // The private key whose public key is the base point of P-256.
  const ONE = {
    kty: "EC",
    crv: "P-256",
    d: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
    x: "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
    y: "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
  };

  it("does not tell a credential id that exists from one that does not", async () => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("jwk", ONE, algorithm, false, ["sign"]);
    const { authenticator } = await createPasskeyUser();
    const sign = (data: Uint8Array) => signWith(key, data);
    const assertion = await authenticator.authenticate(await loginOptions(), {
      isBackupEligible: false,
      isBackedUp: false,
      sign,
    });
    const unknown = { ...assertion, id: "AAAA", rawId: "AAAA" };
    for (const userHandle of [assertion.response.userHandle, "AAAAAAAAAAAAAAAAAAAAAA", undefined]) {
      const response = { ...assertion.response, userHandle };
      for (const credential of [assertion, unknown]) {
        const answer = await sendAssertion({ ...credential, response });
        expectProblem(answer, 401, "invalid_credentials");
      }
    }
  });
});
