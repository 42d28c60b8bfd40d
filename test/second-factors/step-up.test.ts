import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { allAuditOf, createTestUser, PASSWORD, sqlRun } from "../support/fixtures.ts";

const stepUp = (token: string, password = PASSWORD) =>
  send("/v1/auth/step-up", { token, body: { method: "password", password } });

describe("an access token", () => {
  it("says how and when the user was authenticated", async () => {
    stopClock();
    const { token } = await createTestUser();
    expect(decodeJwt(token)).toMatchObject({
      auth_time: Date.now() / 1000,
      acr: "aal1",
      amr: ["pwd"],
    });
  });

  it("keeps the time of the authentication when it is refreshed", async () => {
    const { pass } = stopClock();
    const { refreshToken } = await createTestUser();
    const loggedInAt = Date.now() / 1000;
    pass(60_000);
    const { body } = await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
    expect(decodeJwt(body.access_token)).toMatchObject({ auth_time: loggedInAt, acr: "aal1" });
  });

  it("of a session that began before proofs were stored says that it began with a password", async () => {
    stopClock();
    const { id, refreshToken } = await createTestUser();
    await sqlRun("UPDATE sessions SET proofs = '{}' WHERE user_id = ?", id);
    const { body } = await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
    expect(decodeJwt(body.access_token)).toMatchObject({
      auth_time: Date.now() / 1000,
      amr: ["pwd"],
    });
    expect((await stepUp(body.access_token)).status).toBe(200);
  });
});

describe("POST /v1/auth/step-up", () => {
  it("renews the time of the authentication in the same session", async () => {
    const { pass } = stopClock();
    const { token, refreshToken } = await createTestUser();
    pass(60_000);
    const { status, body } = await stepUp(token);
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 900,
      acr: "aal1",
      auth_time: Date.now() / 1000,
    });
    const { sid } = decodeJwt(token);
    expect(decodeJwt(body.access_token)).toMatchObject({ sid, auth_time: body.auth_time });
    const refreshed = await send("/v1/auth/refresh", { body: { refresh_token: refreshToken } });
    expect(decodeJwt(refreshed.body.access_token)).toMatchObject({ auth_time: body.auth_time });
  });

  it("is recorded", async () => {
    const { id, token } = await createTestUser();
    await stepUp(token);
    expect((await allAuditOf(id)).at(-1)).toMatchObject({
      action: "auth.stepped_up",
      actor_id: id,
      metadata: { session_id: decodeJwt(token).sid, methods: ["pwd"] },
    });
  });

  it("refuses a wrong password, and locks the session's attempts after ten", async () => {
    const { token } = await createTestUser();
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const answer = await stepUp(token, "wrong-password");
      expect(answer).toMatchObject({ status: 401, body: { code: "invalid_credentials" } });
    }
    expect(await stepUp(token)).toMatchObject({ status: 429, body: { code: "too_many_attempts" } });
  });

  it("refuses another method than those of the contract with 422", async () => {
    const { token } = await createTestUser();
    const answer = await send("/v1/auth/step-up", { token, body: { method: "sms", code: "1" } });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: "method" }] } });
  });

  it("adds no proof to a session that ends meanwhile", async () => {
    const { token } = await createTestUser();
    await send("/v1/auth/logout", { method: "POST", token });
    expect((await stepUp(token)).status).toBe(401);
  });
});
