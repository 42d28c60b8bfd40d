import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  addTotp,
  byTotp,
  codeOf,
  createStrictUser,
  createTotpUser,
  halfLogIn,
  sendPassword,
  verify,
} from "../support/factors.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { actionsOn, createTestUser, PASSWORD, sqlAll, sqlRun } from "../support/fixtures.ts";
import { fetchDocument, operationsOf } from "../support/openapi.ts";
import { expectProblem } from "../support/problems.ts";
import { sampleRequest, UNKNOWN_TARGET } from "../support/samples.ts";

const document = await fetchDocument();
const restricted = operationsOf(document).filter(({ access }) => access.kind !== "public");

const enroll = (mfa_token: string, body: object = {}, options = {}) =>
  send("/v1/auth/factors/totp", { body: { ...body, mfa_token }, ...options });
const confirm = (mfa_token: string, id: string, code: string, options = {}) =>
  send("/v1/auth/factors/totp/confirm", { body: { id, code, mfa_token }, ...options });

describe("the mfa_token of a half-finished login", () => {
  it("is no credential of any operation, whichever its purpose", async () => {
    const tokens = [
      await halfLogIn(await createTotpUser("admin")),
      await halfLogIn(await createStrictUser()),
    ];
    for (const operation of restricted) {
      const { path, ...request } = sampleRequest(document, operation, UNKNOWN_TARGET, false);
      for (const token of tokens) {
        const answer = await send(path, { ...request, token });
        expect([operation.name, answer.body?.code]).toEqual([operation.name, "unauthenticated"]);
        const asKey = await send(path, { ...request, headers: { "X-API-Key": token } });
        expect([operation.name, asKey.body?.code]).toEqual([operation.name, "unauthenticated"]);
      }
    }
  });

  it("is no refresh token, reset token or verification token", async () => {
    const token = await halfLogIn(await createTotpUser());
    const uses = [
      ["/v1/auth/refresh", { refresh_token: token }, "invalid_refresh_token"],
      ["/v1/auth/password/reset", { token, password: PASSWORD }, "invalid_token"],
      ["/v1/auth/email/verify", { token }, "invalid_token"],
    ] as const;
    for (const [path, body, code] of uses) {
      expect((await send(path, { body })).body.code).toBe(code);
    }
  });
});

describe("a login whose role requires a second factor", () => {
  it("lets its owner add one, and then log in with both", async () => {
    const user = await createStrictUser();
    const login = await sendPassword(user.username);
    expect(login.body).toMatchObject({ code: "mfa_enrollment_required", expires_in: 600 });
    const token = login.body.mfa_token;
    const added = await enroll(token, { name: "Phone" });
    expect(added.status).toBe(201);
    const { id, secret } = added.body;
    const confirmed = await confirm(token, id, await codeOf(secret, -1));
    expect(confirmed.status).toBe(200);
    expect(confirmed.body.recovery_codes).toHaveLength(10);
    expect(await sqlAll("SELECT 1 FROM sessions WHERE user_id = ?", user.id)).toEqual([]);
    expect(await actionsOn(user.id)).toEqual([
      "user.created",
      "factor.added",
      "recovery_codes.generated",
    ]);
    const again = await verify(await halfLogIn(user), byTotp(await codeOf(secret)));
    expect(again.status).toBe(200);
    expect((await send("/v1/auth/me", { token: again.body.access_token })).status).toBe(200);
  });

  it("gives a token that is spent by the confirmation", async () => {
    const user = await createStrictUser();
    const token = await halfLogIn(user);
    const { body } = await enroll(token);
    await confirm(token, body.id, await codeOf(body.secret));
    expectProblem(await enroll(token), 401, "invalid_mfa_token");
    await sqlRun("DELETE FROM factors WHERE user_id = ?", user.id);
    await sqlRun("UPDATE users SET mfa_enabled = 0 WHERE id = ?", user.id);
    expectProblem(await enroll(token), 401, "invalid_mfa_token");
  });

  it("gives a token that is void once there is a factor: a password alone adds no second one", async () => {
    const user = await createStrictUser();
    const [mine, theirs] = [await halfLogIn(user), await halfLogIn(user)];
    const { body: app } = await enroll(theirs);
    await sqlRun(
      `INSERT INTO factors (id, user_id, type, name, created_at, confirmed_at, credential_id) VALUES ('k', ?, 'passkey', '', 0, 0, 'k')`,
      user.id,
    );
    await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", user.id);
    expectProblem(await enroll(mine), 401, "invalid_mfa_token");
    const late = await confirm(theirs, app.id, await codeOf(app.secret));
    expectProblem(late, 401, "invalid_mfa_token");
  });

  it("adds no factor if another one is added while it is confirmed", async () => {
    const user = await createStrictUser();
    const token = await halfLogIn(user);
    const { body } = await enroll(token);
    const bindings = beforeStatement(/^update "factors" set "confirmed_at"/, () =>
      sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", user.id),
    );
    const answer = await confirm(token, body.id, await codeOf(body.secret), { bindings });
    expectProblem(answer, 401, "invalid_mfa_token");
  });

  it("gives a token that expires, and that a new password voids", async () => {
    const { pass } = stopClock();
    const user = await createStrictUser();
    const old = await halfLogIn(user);
    pass(600_000);
    expectProblem(await enroll(old), 401, "invalid_mfa_token");
    const token = await halfLogIn(user);
    await sqlRun("UPDATE users SET password_version = password_version + 1 WHERE id = ?", user.id);
    expectProblem(await enroll(token), 401, "invalid_mfa_token");
  });
});

describe("the calls that add a factor", () => {
  it("refuse the token of a login that only has to be verified, and tokens of other kinds", async () => {
    const user = await createTotpUser();
    for (const token of [await halfLogIn(user), user.token, user.refreshToken, "rmf_", "x"]) {
      expectProblem(await enroll(token), 401, "invalid_mfa_token");
      expectProblem(await confirm(token, "x", "1"), 401, "invalid_mfa_token");
    }
  });

  it("refuse an access token and an mfa_token together", async () => {
    const { token } = await createTestUser();
    const mfaToken = await halfLogIn(await createStrictUser());
    expectProblem(await enroll(mfaToken, {}, { token }), 400, "conflicting_credentials");
  });

  it("tell nobody without a token what is wrong with a body", async () => {
    const paths = ["/v1/auth/factors/totp", "/v1/auth/factors/totp/confirm"];
    for (const path of paths) {
      for (const raw of ["{", "[]", '{"name":7}', '{"mfa_token":7}']) {
        const headers = { "Content-Type": "application/json" };
        expectProblem(await send(path, { raw, headers }), 401, "unauthenticated");
      }
      const answer = await send(path, { body: { mfa_token: "rmf_x", nonsense: true } });
      expectProblem(answer, 401, "invalid_mfa_token");
    }
  });

  it("say that D1 fails, and not that the token is wrong", async () => {
    const token = await halfLogIn(await createStrictUser());
    const bindings = faultyBindings({ d1: always });
    expectProblem(await enroll(token, {}, { bindings }), 503, "service_unavailable");
  });

  it("tell someone with a token what is wrong with the body", async () => {
    const token = await halfLogIn(await createStrictUser());
    expectProblem(await enroll(token, { name: 7 }), 422, "validation_failed");
    const answer = await send("/v1/auth/factors/totp/confirm", { body: { mfa_token: token } });
    expectProblem(answer, 422, "validation_failed");
  });

  it("add no factor for a session whose owner gets another one meanwhile", async () => {
    const user = await createTestUser();
    const { body } = await send("/v1/auth/factors/totp", { token: user.token, body: {} });
    const bindings = beforeStatement(/^update "factors" set "confirmed_at"/, () =>
      sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", user.id),
    );
    const answer = await send("/v1/auth/factors/totp/confirm", {
      token: user.token,
      body: { id: body.id, code: await codeOf(body.secret) },
      bindings,
    });
    expectProblem(answer, 401, "insufficient_user_authentication");
  });

  it("let a session without step-up add none, although its owner has a pending one", async () => {
    const { pass } = stopClock();
    const user = await createTestUser();
    pass(600_001);
    await expect(addTotp(user)).rejects.toThrow("insufficient_user_authentication");
  });
});
