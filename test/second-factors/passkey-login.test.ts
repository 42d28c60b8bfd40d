import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { toUserHandle } from "../../src/lib/webauthn/options.ts";
import { send } from "../support/api.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { stopClock } from "../support/clock.ts";
import { allAuditOf, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import {
  assertStepUp,
  createPasskeyUser,
  loginOptions,
  passkeyLogin,
  sendAssertion,
  sessionsOf,
} from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

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
