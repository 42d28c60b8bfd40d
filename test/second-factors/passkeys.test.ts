import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { toUserHandle } from "../../src/lib/webauthn/options.ts";
import { send } from "../support/api.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { stopClock } from "../support/clock.ts";
import { createStrictUser, halfLogIn, sendPassword } from "../support/factors.ts";
import { allAuditOf, auditOf, createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import {
  addPasskey,
  assertMfa,
  assertStepUp,
  createPasskeyUser,
  loginOptions,
  passkeyLogin,
  registrationOptions,
  sendAssertion,
  sendPasskey,
} from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

const sessionsOf = (userId: string) =>
  sqlAll<{ id: string }>("SELECT id FROM sessions WHERE user_id = ?", userId);

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
    const user = await createStrictUser();
    const mfa_token = await halfLogIn(user);
    const authenticator = createAuthenticator();
    const options = await registrationOptions(undefined, { body: { mfa_token } });
    const credential = await authenticator.register(options);
    const body = { name: "Phone", credential, mfa_token };
    const added = await send("/v1/auth/factors/passkeys", { body });
    expect(added).toMatchObject({ status: 201, body: { recovery_codes: expect.any(Array) } });
    expect(await sessionsOf(user.id)).toEqual([]);
    const again = await send("/v1/auth/factors/passkeys", { body });
    expectProblem(again, 401, "invalid_mfa_token");
    expect((await passkeyLogin(authenticator)).status).toBe(200);
  });

  it("needs a credential", async () => {
    const answer = await send("/v1/auth/factors/passkeys/options", { method: "POST" });
    expectProblem(answer, 401, "unauthenticated");
    expect(answer.body.detail).toContain("`mfa_token`");
  });
});

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

describe("POST /v1/auth/passkey/login", () => {
  it("logs in without a password, with two factors, and is recorded", async () => {
    const { id, authenticator, factor, token } = await createPasskeyUser();
    const { status, body, headers } = await passkeyLogin(authenticator);
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(decodeJwt(body.access_token)).toMatchObject({
      sub: id,
      acr: "aal2",
      amr: ["swk", "user", "mfa"],
    });
    const event = (await allAuditOf(id)).at(-1);
    expect(event).toMatchObject({
      action: "auth.login_succeeded",
      metadata: { methods: ["swk", "user", "mfa"] },
    });
    expect(event).not.toMatchObject({ metadata: { sign_count_regressed: true } });
    const { data } = (await send("/v1/auth/factors", { token })).body;
    expect(data[0].last_used_at >= factor.last_used_at).toBe(true);
  });

  it("tells passkeys that are bound to a device, and whether one has been backed up since", async () => {
    const bound = createAuthenticator({ isBackupEligible: false, isBackedUp: false });
    await createPasskeyUser("user", bound);
    const { body } = await passkeyLogin(bound);
    expect(decodeJwt(body.access_token)).toMatchObject({ amr: ["hwk", "user", "mfa"] });
    const syncable = createAuthenticator();
    const { token } = await createPasskeyUser("user", syncable);
    await passkeyLogin(syncable, { isBackedUp: false });
    expect((await send("/v1/auth/factors", { token })).body.data[0].backed_up).toBe(false);
  });

  it("records a sign count that has not increased, and logs in", async () => {
    const authenticator = createAuthenticator({ signCountStep: 1 });
    const { id } = await createPasskeyUser("user", authenticator);
    await passkeyLogin(authenticator, { signCountStep: 5 });
    expect((await passkeyLogin(authenticator, { signCountStep: -3 })).status).toBe(200);
    expect((await allAuditOf(id)).at(-1)).toMatchObject({
      action: "auth.login_succeeded",
      metadata: { sign_count_regressed: true },
    });
    expect(await sqlAll("SELECT sign_count FROM factors WHERE user_id = ?", id)).toEqual([
      { sign_count: 5 },
    ]);
  });

  it("of twenty at once with one assertion starts one session", async () => {
    const { id, authenticator } = await createPasskeyUser();
    const before = await sessionsOf(id);
    const assertion = await authenticator.authenticate(await loginOptions());
    const answers = await Promise.all(Array.from({ length: 20 }, () => sendAssertion(assertion)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(19).fill(401)]);
    expect(await sessionsOf(id)).toHaveLength(before.length + 1);
  });

  it("refuses alike an unknown passkey, a wrong signature, and an account that is inactive or deleted", async () => {
    const users = await Promise.all(Array.from({ length: 4 }, () => createPasskeyUser()));
    const [unknown, forged, inactive, deleted] = users as [
      (typeof users)[0],
      (typeof users)[0],
      (typeof users)[0],
      (typeof users)[0],
    ];
    await sqlRun("DELETE FROM factors WHERE user_id = ?", unknown.id);
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", inactive.id);
    await sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", deleted.id);
    const answers = [
      await passkeyLogin(unknown.authenticator),
      await passkeyLogin(forged.authenticator, { sign: async () => new Uint8Array(70) }),
      await passkeyLogin(inactive.authenticator),
      await passkeyLogin(deleted.authenticator),
    ];
    const seen = answers.map(({ status, body, headers }) => ({
      status,
      body: { ...body, request_id: "" },
      cost: headers.get("Server-Timing")?.match(/queries=\d+|rows_written=\d+/g),
    }));
    for (const answer of seen) expect(answer).toEqual(seen[0]);
    expect(seen[0]).toMatchObject({ status: 401, body: { code: "invalid_credentials" } });
  });

  it("never locks an account, whoever sends wrong signatures", async () => {
    const { authenticator } = await createPasskeyUser();
    for (let attempt = 0; attempt < 12; attempt += 1) {
      await passkeyLogin(authenticator, { sign: async () => new Uint8Array(70) });
    }
    expect((await passkeyLogin(authenticator)).status).toBe(200);
  });

  it("refuses every forged field", async () => {
    const { authenticator } = await createPasskeyUser();
    const forgeries: Parameters<typeof passkeyLogin>[1][] = [
      { origin: "https://evil.test" },
      { origin: "http://roster.test" },
      { origin: "https://sub.roster.test" },
      { rpId: "evil.test" },
      { clientData: { challenge: "AAAA" } },
      { clientData: { type: "webauthn.create" } },
      { clientData: { crossOrigin: true } },
      { clientData: { topOrigin: "https://evil.test" } },
      { isUserPresent: false },
      { isUserVerified: false },
      { isBackupEligible: false, isBackedUp: false },
      { trailing: new Uint8Array(1) },
      { sign: async () => new Uint8Array(0) },
    ];
    for (const forgery of forgeries) {
      const answer = await passkeyLogin(authenticator, forgery);
      expectProblem(answer, 401, "invalid_credentials");
    }
    expect((await passkeyLogin(authenticator)).status).toBe(200);
  });

  it("refuses another person's credential id and user handle", async () => {
    const one = await createPasskeyUser();
    const other = await createPasskeyUser();
    const assertion = await one.authenticator.authenticate(await loginOptions());
    const { id } = other.credential;
    expectProblem(await sendAssertion({ ...assertion, id, rawId: id }), 401, "invalid_credentials");
    const response = { ...assertion.response, userHandle: toUserHandle(other.id) };
    expectProblem(await sendAssertion({ ...assertion, response }), 401, "invalid_credentials");
    const { userHandle: _, ...withoutHandle } = assertion.response;
    const bare = { ...assertion, response: withoutHandle };
    expectProblem(await sendAssertion(bare), 401, "invalid_credentials");
    expect((await sendAssertion(assertion)).status).toBe(200);
  });

  it("refuses a challenge that has expired, or was made for another purpose", async () => {
    const { pass } = stopClock();
    const { authenticator, token } = await createPasskeyUser();
    const stepUp = await assertStepUp(authenticator, token);
    expectProblem(await sendAssertion(stepUp), 401, "invalid_credentials");
    const late = await authenticator.authenticate(await loginOptions());
    pass(5 * MINUTE);
    expectProblem(await sendAssertion(late), 401, "invalid_credentials");
  });

  it("is refused without a verified email where logins need one", async () => {
    const { authenticator } = await createPasskeyUser();
    const bindings = createIsolate({ LOGIN_REQUIRES_VERIFIED_EMAIL: "on" });
    const assertion = await authenticator.authenticate(await loginOptions());
    expectProblem(await sendAssertion(assertion, { bindings }), 403, "email_not_verified");
  });

  it("stores nothing for the options", async () => {
    const answer = await send("/v1/auth/passkey/options", { method: "POST" });
    expect(answer.headers.get("Server-Timing")).toContain("queries=0");
    expect(answer.body.public_key).toMatchObject({
      rpId: "roster.test",
      allowCredentials: [],
      userVerification: "required",
      timeout: 5 * MINUTE,
    });
  });

  it("is refused if the passkey is removed meanwhile", async () => {
    const { id, authenticator, token, factor } = await createPasskeyUser();
    const assertion = await authenticator.authenticate(await loginOptions());
    const path = `/v1/auth/factors/${factor.id}`;
    expect((await send(path, { method: "DELETE", token })).status).toBe(204);
    expectProblem(await sendAssertion(assertion), 401, "invalid_credentials");
    expect(await sqlAll("SELECT mfa_enabled FROM users WHERE id = ?", id)).toEqual([
      { mfa_enabled: 0 },
    ]);
  });
});

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

describe("the origins of passkeys", () => {
  const APP = `android:apk-key-hash:${"A".repeat(43)}`;

  it("are those in RP_ORIGINS, and the passkeys belong to RP_ID", async () => {
    const settings = { RP_ID: "roster.test", RP_ORIGINS: `https://app.roster.test, ${APP}` };
    const bindings = createIsolate(settings);
    const user = await createTestUser();
    const options = await registrationOptions(user.token, { bindings });
    expect(options.rp.id).toBe("roster.test");
    const authenticator = createAuthenticator();
    const origin = "https://app.roster.test";
    const credential = await authenticator.register(options, { origin });
    expect((await sendPasskey(user.token, credential, { bindings })).status).toBe(201);
    const logInFrom = async (from: string) =>
      sendAssertion(
        await authenticator.authenticate(await loginOptions({ bindings }), { origin: from }),
        { bindings },
      );
    expect((await logInFrom(APP)).status).toBe(200);
    for (const other of ["https://roster.test", "https://evil.app.roster.test", `${APP}A`]) {
      expectProblem(await logInFrom(other), 401, "invalid_credentials");
    }
  });

  it("are localhost in development, with any port", async () => {
    for (const [APP_URL, origin] of [
      ["http://localhost:9123", "http://localhost:9123"],
      [undefined, "http://localhost:8787"],
    ] as const) {
      const bindings = createIsolate({ APP_URL, JWT_ISSUER: "https://roster.test" });
      const user = await createTestUser();
      const options = await registrationOptions(user.token, { bindings });
      expect(options.rp.id).toBe("localhost");
      const credential = await createAuthenticator().register(options, { origin });
      expect((await sendPasskey(user.token, credential, { bindings })).status).toBe(201);
    }
  });
});

describe("where the service has no domain", () => {
  it("passkeys are unavailable, and no method of a login", async () => {
    const { authenticator, username, token } = await createPasskeyUser();
    const assertion = await authenticator.authenticate(await loginOptions());
    const credential = await createAuthenticator().register(await registrationOptions(token));
    const issuer = { JWT_ISSUER: "https://roster.test" };
    const bindings = createIsolate({ APP_URL: "http://127.0.0.1:8787", ...issuer });
    const body = { method: "passkey" };
    const mfa_token = await halfLogIn({ username });
    const answers = [
      await send("/v1/auth/passkey/options", { method: "POST", bindings }),
      await sendAssertion(assertion, { bindings }),
      await send("/v1/auth/mfa/challenge", { body: { ...body, mfa_token }, bindings }),
      await send("/v1/auth/step-up/challenge", { token, body, bindings }),
      await send("/v1/auth/step-up", { token, body: { ...body, credential: assertion }, bindings }),
      await send("/v1/auth/factors/passkeys/options", { method: "POST", token, bindings }),
      await sendPasskey(token, credential, { bindings }),
    ];
    for (const { status, body: problem } of answers) {
      expect({ status, code: problem.code }).toEqual({ status: 409, code: "passkeys_unavailable" });
    }
    const half = await sendPassword(username, { bindings });
    expect(half.body.methods).toEqual(["recovery_code"]);
    const strict = await createStrictUser();
    const enrolling = await sendPassword(strict.username, { bindings });
    expect(enrolling.body.methods).toEqual(["totp"]);
  });
});
