import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import {
  byRecoveryCode,
  createStrictUser,
  halfLogIn,
  sendPassword,
  verify,
} from "../support/factors.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import {
  createPasskeyUser,
  loginOptions,
  registrationOptions,
  sendAssertion,
  sendPasskey,
} from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";

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
  const NO_DOMAIN = { APP_URL: "http://127.0.0.1:8787", JWT_ISSUER: "https://roster.test" };

  it("passkeys are unavailable, and no method of a login", async () => {
    const { authenticator, username, token } = await createPasskeyUser();
    const assertion = await authenticator.authenticate(await loginOptions());
    const credential = await createAuthenticator().register(await registrationOptions(token));
    const bindings = createIsolate(NO_DOMAIN);
    const body = { method: "passkey" };
    const mfa_token = await halfLogIn({ username });
    const answers = [
      await send("/v1/auth/passkey/options", { method: "POST", bindings }),
      await sendAssertion(assertion, { bindings }),
      await send("/v1/auth/mfa/challenge", { body: { ...body, mfa_token }, bindings }),
      await send("/v1/auth/mfa/verify", {
        body: { ...body, mfa_token, credential: assertion },
        bindings,
      }),
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

  it("a passkey is no attempt at a login: its owner is not locked out of the other ways", async () => {
    const { authenticator, username, codes } = await createPasskeyUser();
    const credential = await authenticator.authenticate(await loginOptions());
    const bindings = createIsolate(NO_DOMAIN);
    const mfa_token = await halfLogIn({ username });
    const body = { method: "passkey", mfa_token, credential };
    for (let time = 0; time < 10; time += 1) {
      const answer = await send("/v1/auth/mfa/verify", { body, bindings });
      expect(answer).toMatchObject({ status: 409, body: { code: "passkeys_unavailable" } });
    }
    const answer = await verify(mfa_token, byRecoveryCode(codes[0] ?? ""), { bindings });
    expect(answer.status).toBe(200);
  });
});
