import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { toUserHandle } from "../../src/lib/webauthn/options.ts";
import { send } from "../support/api.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { stopClock } from "../support/clock.ts";
import { createStrictUser, halfLogIn, sendPassword } from "../support/factors.ts";
import { auditOf, createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { isReplayed, sendKeyed } from "../support/idempotency.ts";
import {
  addPasskey,
  assertMfa,
  assertStepUp,
  createPasskeyUser,
  passkeyLogin,
  registrationOptions,
  sendPasskey,
  sessionsOf,
} from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

describe("POST /v1/auth/factors/passkeys", () => {
  for (const [name, algorithm] of [
    ["ES256", -7],
    ["EdDSA", -8],
    ["RS256", -257],
  ] as const) {
    it(`adds a passkey of ${name}, which logs in`, async () => {
      const authenticator = createAuthenticator({ algorithm });
      await createPasskeyUser("user", authenticator);
      expect((await passkeyLogin(authenticator)).status).toBe(200);
    });
  }

  it("answers with the factor and recovery codes, and is recorded", async () => {
    const { id, token, factor, codes } = await createPasskeyUser();
    expect(factor).toEqual({
      id: expect.any(String),
      type: "passkey",
      name: "Laptop",
      created_at: expect.any(String),
      last_used_at: expect.any(String),
      backed_up: true,
    });
    expect(new Set(codes).size).toBe(10);
    expect((await send("/v1/users/me", { token })).body.mfa_enabled).toBe(true);
    expect((await send("/v1/auth/factors", { token })).body.data).toEqual([factor]);
    expect((await auditOf(id)).slice(1)).toMatchObject([
      {
        action: "factor.added",
        metadata: { factor_id: factor.id, factor_type: "passkey" },
        changes: '{"name":{"from":null,"to":"Laptop"}}',
      },
      { action: "recovery_codes.generated" },
    ]);
  });

  it("gives recovery codes with the first factor only", async () => {
    const user = await createPasskeyUser();
    expect((await addPasskey(user)).codes).toBeUndefined();
  });

  it("names the passkeys that the user has, so that an authenticator is not registered twice", async () => {
    const { id, token, username, credential } = await createPasskeyUser();
    const options = await registrationOptions(token);
    expect(options).toMatchObject({
      rp: { id: "roster.test", name: "Roster" },
      user: { id: toUserHandle(id), name: username },
      excludeCredentials: [{ id: credential.id, transports: ["hybrid", "internal"] }],
      attestation: "none",
    });
  });

  it("proves two factors for its session, as the authenticator has checked the user", async () => {
    const { refreshToken } = await createPasskeyUser();
    const { body } = await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
    expect(decodeJwt(body.access_token)).toMatchObject({ acr: "aal2" });
  });

  it("refuses a challenge of someone else, one that was used, and one that has expired", async () => {
    const { pass } = stopClock();
    const user = await createTestUser();
    const other = await createTestUser();
    const authenticator = createAuthenticator();
    const options = await registrationOptions(user.token);
    const credential = await authenticator.register(options);
    expectProblem(await sendPasskey(other.token, credential), 400, "invalid_credential");
    expect((await sendPasskey(user.token, credential)).status).toBe(201);
    const again = await authenticator.register({ ...options, excludeCredentials: [] });
    expectProblem(await sendPasskey(user.token, again), 400, "invalid_credential");
    const late = await authenticator.register({
      ...(await registrationOptions(user.token)),
      excludeCredentials: [],
    });
    pass(5 * MINUTE);
    expectProblem(await sendPasskey(user.token, late), 400, "invalid_credential");
  });

  it("refuses a credential id that exists, without telling whose it is", async () => {
    const owner = await createPasskeyUser();
    const other = await createTestUser();
    for (const { token } of [owner, other]) {
      const options = await registrationOptions(token);
      const taken = await rewriteCredentialId(options, owner.credential.id);
      const answer = await sendPasskey(token, taken);
      expectProblem(answer, 400, "invalid_credential");
    }
    expect(await sqlAll("SELECT id FROM factors WHERE user_id = ?", other.id)).toEqual([]);
  });

  it("of twenty at once with one credential succeeds once", async () => {
    const { id, token } = await createTestUser();
    const credential = await createAuthenticator().register(await registrationOptions(token));
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => sendPasskey(token, credential)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array(19).fill(400)]);
    expect(await sqlAll("SELECT id FROM factors WHERE user_id = ?", id)).toHaveLength(1);
  });

  it("is refused beyond twenty passkeys, and so are its options", async () => {
    const user = await createTestUser();
    const options = await registrationOptions(user.token);
    for (let number = 0; number < 20; number += 1) {
      await sqlRun(
        "INSERT INTO factors (id, user_id, type, name, created_at, confirmed_at, credential_id) VALUES (?, ?, 'passkey', 'Key', 0, 0, ?)",
        `key-${number}-${user.id}`,
        user.id,
        `credential-${number}-${user.id}`,
      );
    }
    const credential = await createAuthenticator().register(options);
    expectProblem(await sendPasskey(user.token, credential), 409, "passkey_limit");
    const more = await send("/v1/auth/factors/passkeys/options", {
      method: "POST",
      token: user.token,
    });
    expectProblem(more, 409, "passkey_limit");
  });

  it("refuses a body that is no credential", async () => {
    const { token } = await createTestUser();
    expectProblem(await sendPasskey(token, {}), 422, "validation_failed");
    const credential = await createAuthenticator().register(await registrationOptions(token));
    const long = { ...credential, id: "x".repeat(2000) };
    expectProblem(await sendPasskey(token, long), 422, "validation_failed");
    expectProblem(await sendPasskey(token, { ...credential, id: "x" }), 400, "invalid_credential");
  });

  it("enrols someone whose role requires a factor with their mfa_token, which it spends", async () => {
    const { user, authenticator, body } = await prepareEnrolment();
    const added = await send("/v1/auth/factors/passkeys", { body });
    expect(added).toMatchObject({ status: 201, body: { recovery_codes: expect.any(Array) } });
    expect(await sessionsOf(user.id)).toEqual([]);
    const again = await send("/v1/auth/factors/passkeys", { body });
    expectProblem(again, 401, "invalid_mfa_token");
    expect((await passkeyLogin(authenticator)).status).toBe(200);
  });

  it("answers the repeated request that has spent the mfa_token with the same recovery codes", async () => {
    const { body } = await prepareEnrolment();
    const path = "/v1/auth/factors/passkeys";
    const enrolment = { path, options: { body } };
    const added = await sendKeyed("enrol", enrolment);
    expect(added.body.recovery_codes).toHaveLength(10);
    const again = await sendKeyed("enrol", enrolment);
    expect([again.status, again.body]).toEqual([201, added.body]);
    expect(isReplayed(again)).toBe(true);
    const renamed = { path, options: { body: { ...body, name: "Tablet" } } };
    expectProblem(await sendKeyed("enrol", renamed), 401, "invalid_mfa_token");
    expectProblem(await sendKeyed("another", enrolment), 401, "invalid_mfa_token");
  });

  it("needs a credential", async () => {
    const answer = await send("/v1/auth/factors/passkeys/options", { method: "POST" });
    expectProblem(answer, 401, "unauthenticated");
    expect(answer.body.detail).toContain("`mfa_token`");
  });
});

/** Someone whose role requires a factor, with a passkey and the request that enrols it with their mfa_token. */
async function prepareEnrolment() {
  const user = await createStrictUser();
  const mfa_token = await halfLogIn(user);
  const authenticator = createAuthenticator();
  const options = await registrationOptions(undefined, { body: { mfa_token } });
  const credential = await authenticator.register(options);
  return { user, authenticator, body: { name: "Phone", credential, mfa_token } };
}

/** A credential with the id of another, as someone who knows the id could make it. */
async function rewriteCredentialId(
  options: Parameters<ReturnType<typeof createAuthenticator>["register"]>[0],
  id: string,
) {
  const { base64url } = await import("jose");
  const credential = await createAuthenticator().register({ ...options, excludeCredentials: [] });
  const own = [...base64url.decode(credential.id)].join();
  const wanted = [...base64url.decode(id)].join();
  const bytes = [...base64url.decode(credential.response.attestationObject)].join();
  const rewritten = Uint8Array.from(bytes.replace(own, wanted).split(",").map(Number));
  const attestationObject = base64url.encode(rewritten);
  return { ...credential, id, rawId: id, response: { ...credential.response, attestationObject } };
}

describe("a passkey as second factor", () => {
  it("completes a login with a password", async () => {
    const user = await createPasskeyUser();
    const half = await sendPassword(user.username);
    expect(half.body.methods).toEqual(["passkey", "recovery_code"]);
    const { mfa_token } = half.body;
    const credential = await assertMfa(user.authenticator, mfa_token, { isUserVerified: false });
    const body = { mfa_token, method: "passkey", credential };
    const answer = await send("/v1/auth/mfa/verify", { body });
    expect(answer.status).toBe(200);
    expect(decodeJwt(answer.body.access_token)).toMatchObject({
      acr: "aal2",
      amr: ["pwd", "swk", "mfa"],
    });
    expectProblem(await send("/v1/auth/mfa/verify", { body }), 401, "invalid_mfa_token");
  });

  it("of someone else, or with a challenge of someone else, is refused and counted", async () => {
    const user = await createPasskeyUser();
    const other = await createPasskeyUser();
    const mfa_token = await halfLogIn(user);
    const theirs = await assertMfa(other.authenticator, await halfLogIn(other));
    const verify = (credential: unknown) =>
      send("/v1/auth/mfa/verify", { body: { mfa_token, method: "passkey", credential } });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      expectProblem(await verify(theirs), 401, "invalid_code");
    }
    const right = await assertMfa(user.authenticator, mfa_token);
    expectProblem(await verify(right), 429, "too_many_attempts");
  });

  it("steps up, and is counted apart from passwords", async () => {
    const user = await createPasskeyUser();
    const credential = await assertStepUp(user.authenticator, user.token);
    const body = { method: "passkey", credential };
    const { token } = user;
    const answer = await send("/v1/auth/step-up", { token, body });
    expect(answer).toMatchObject({ status: 200, body: { acr: "aal2" } });
    expectProblem(await send("/v1/auth/step-up", { token, body }), 401, "invalid_code");
  });

  it("is not offered to someone without one", async () => {
    const { token } = await createTestUser();
    const body = { method: "passkey" };
    expectProblem(
      await send("/v1/auth/step-up/challenge", { token, body }),
      409,
      "passkey_missing",
    );
  });

  it("is exported with its owner, without its key, and erased with them", async () => {
    const { id, token, factor, credential } = await createPasskeyUser();
    const { body, text } = await send("/v1/users/me/export", { token });
    expect(body.second_factors).toEqual([{ ...factor, credential_id: credential.id }]);
    expect(text).not.toContain("public_key");
    const admin = await createTestUser("admin");
    await send(`/v1/users/${id}/erase`, { method: "POST", token: admin.token });
    expect(await sqlAll("SELECT id FROM factors WHERE user_id = ?", id)).toEqual([]);
  });

  it("is renamed", async () => {
    const { token, factor } = await createPasskeyUser();
    const path = `/v1/auth/factors/${factor.id}`;
    const renamed = await send(path, { method: "PATCH", token, body: { name: "Key" } });
    expect(renamed).toMatchObject({ status: 200, body: { name: "Key", type: "passkey" } });
  });
});
