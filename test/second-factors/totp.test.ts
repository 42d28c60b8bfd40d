import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  addTotp,
  byTotp,
  codeOf,
  confirmTotp,
  createTotpUser,
  halfLogIn,
  stepUp,
  verify,
  wrongCodeOf,
} from "../support/factors.ts";
import { actionsOn, auditOf, createTestUser, sqlAll, statusesOf } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

const MINUTE = 60_000;

const add = (token: string, body: object = {}, options = {}) =>
  send("/v1/auth/factors/totp", { token, body, ...options });

const OTHER_KEYS = jwkSet(octJwk("another"));

const factorsOf = (userId: string) =>
  sqlAll("SELECT * FROM factors WHERE user_id = ? ORDER BY id", userId);

describe("POST /v1/auth/factors/totp", () => {
  it("shows a secret, and a URL that names the application and the user", async () => {
    stopClock();
    const { username, token } = await createTestUser();
    const bindings = createIsolate({ APP_NAME: "Acme & Co" });
    const { status, body, headers } = await add(token, { name: "Phone" }, { bindings });
    expect(status).toBe(201);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(body).toEqual({
      id: expect.any(String),
      secret: expect.stringMatching(/^[A-Z2-7]{32}$/),
      otpauth_url: `otpauth://totp/Acme%20%26%20Co:${username}?secret=${body.secret}&issuer=Acme%20%26%20Co&algorithm=SHA1&digits=6&period=30`,
      expires_at: new Date(Date.now() + 10 * MINUTE).toISOString(),
    });
  });

  it("changes nothing until it is confirmed", async () => {
    const user = await createTestUser();
    await add(user.token);
    const me = await send("/v1/users/me", { token: user.token });
    expect(me.body.mfa_enabled).toBe(false);
    const { body } = await send("/v1/auth/factors", { token: user.token });
    expect(body.data).toEqual([]);
    expect(await actionsOn(user.id)).toEqual(["user.created"]);
    const login = await send("/v1/auth/login", {
      body: { username: user.username, password: "SecurePass123!" },
    });
    expect(login.status).toBe(200);
  });

  it("stores the secret sealed", async () => {
    const { id, token } = await createTestUser();
    const { body } = await add(token);
    expect(JSON.stringify(await factorsOf(id))).not.toContain(body.secret);
  });

  it("replaces an app that was not confirmed", async () => {
    const { id, token } = await createTestUser();
    const first = (await add(token)).body;
    const second = (await add(token)).body;
    expect((await factorsOf(id)).map((row) => row.id)).toEqual([second.id]);
    const stale = await confirmTotp(token, first.id, await codeOf(first.secret));
    expectProblem(stale, 404, "factor_not_found");
    expect((await confirmTotp(token, second.id, await codeOf(second.secret))).status).toBe(200);
  });

  it("is refused for someone who has one", async () => {
    const { token } = await createTotpUser();
    expectProblem(await add(token), 409, "factor_exists");
  });

  it("shows no secret to someone who confirms another app meanwhile", async () => {
    const user = await createTestUser();
    const bindings = beforeStatement(/^insert into "factors"/m, () => addTotp(user));
    expectProblem(await add(user.token, {}, { bindings }), 409, "factor_exists");
  });

  it("leaves one app if ten requests are sent at once", async () => {
    const { id, token } = await createTestUser();
    const answers = await Promise.all(Array.from({ length: 10 }, () => add(token)));
    for (const { status } of answers) expect(status).toBe(201);
    expect(await factorsOf(id)).toHaveLength(1);
  });

  it("refuses a name that is empty, too long or invisible", async () => {
    const { token } = await createTestUser();
    for (const name of ["", "x".repeat(101), "a\u200b"]) {
      expectProblem(await add(token, { name }), 422, "validation_failed");
    }
  });

  it("gives an account without a data key one", async () => {
    const { id, token } = await createTestUser();
    await sqlAll("UPDATE users SET data_key = NULL WHERE id = ? RETURNING id", id);
    const user = await addTotp({ id, token, username: "", email: "", refreshToken: "" });
    expect(await sqlAll("SELECT id FROM users WHERE id = ? AND data_key IS NULL", id)).toEqual([]);
    expect((await stepUp(token, byTotp(await codeOf(user.secret)))).status).toBe(200);
  });

  it("is 503 while DATA_KEYS lacks the key of the account, and stores nothing", async () => {
    const { id, token } = await createTestUser();
    const bindings = createIsolate({ DATA_KEYS: OTHER_KEYS });
    expectProblem(await add(token, {}, { bindings }), 503, "service_unavailable");
    expect(await factorsOf(id)).toEqual([]);
  });
});

describe("POST /v1/auth/factors/totp/confirm", () => {
  it("enables the factor and gives recovery codes, and is recorded", async () => {
    const { id, token } = await createTestUser();
    const before = (await send("/v1/users/me", { token })).headers.get("ETag");
    const { body: app } = await add(token, { name: "Phone" });
    const { status, body, headers } = await confirmTotp(token, app.id, await codeOf(app.secret));
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(body).toEqual({
      factor: {
        id: app.id,
        type: "totp",
        name: "Phone",
        created_at: expect.any(String),
        last_used_at: expect.any(String),
        backed_up: null,
      },
      recovery_codes: expect.any(Array),
    });
    expect(new Set(body.recovery_codes).size).toBe(10);
    const me = await send("/v1/users/me", { token });
    expect(me.body.mfa_enabled).toBe(true);
    expect(me.headers.get("ETag")).not.toBe(before);
    const metadata = { factor_id: app.id, factor_type: "totp" };
    const about = { actor_id: id, target_type: "user", target_id: id };
    expect((await auditOf(id)).slice(1)).toMatchObject([
      {
        action: "factor.added",
        ...about,
        metadata,
        changes: '{"name":{"from":null,"to":"Phone"}}',
      },
      { action: "recovery_codes.generated", ...about },
    ]);
  });

  it("proves a second factor for its session, and other sessions stay", async () => {
    const user = await createTestUser();
    const other = await send("/v1/auth/login", {
      body: { username: user.username, password: "SecurePass123!" },
    });
    await addTotp(user);
    const refresh = async (refresh_token: string) =>
      decodeJwt((await send("/v1/auth/refresh", { body: { refresh_token } })).body.access_token);
    expect(await refresh(user.refreshToken)).toMatchObject({
      acr: "aal2",
      amr: ["pwd", "otp", "mfa"],
    });
    expect(await refresh(other.body.refresh_token)).toMatchObject({ acr: "aal1", amr: ["pwd"] });
  });

  it("refuses a wrong code, which leaves the app as it is", async () => {
    const { token } = await createTestUser();
    const { body } = await add(token);
    const wrong = await confirmTotp(token, body.id, await wrongCodeOf(body.secret));
    expectProblem(wrong, 401, "invalid_code");
    expect((await confirmTotp(token, body.id, await codeOf(body.secret))).status).toBe(200);
  });

  it("uses its code up", async () => {
    const user = await createTestUser();
    const { body } = await add(user.token);
    const code = await codeOf(body.secret);
    await confirmTotp(user.token, body.id, code);
    const reused = await verify(await halfLogIn(user), byTotp(code));
    expectProblem(reused, 401, "invalid_code");
  });

  it("is refused after ten minutes", async () => {
    const { pass } = stopClock();
    const { token } = await createTestUser();
    const { body } = await add(token);
    pass(10 * MINUTE);
    const { body: fresh } = await stepUp(token, { method: "password", password: "SecurePass123!" });
    const late = await confirmTotp(fresh.access_token, body.id, await codeOf(body.secret));
    expectProblem(late, 404, "factor_not_found");
  });

  it("refuses an id that is no UUID", async () => {
    const { token } = await createTestUser();
    const answer = await confirmTotp(token, "x", "123456");
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(["id invalid_format"]);
  });

  it("refuses the app of someone else", async () => {
    const { token } = await createTestUser();
    const { body } = await add(token);
    const other = await createTestUser();
    const answer = await confirmTotp(other.token, body.id, await codeOf(body.secret));
    expectProblem(answer, 404, "factor_not_found");
  });

  it("of twenty at once succeeds once", async () => {
    const { id, token } = await createTestUser();
    const { body } = await add(token);
    const code = await codeOf(body.secret);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => confirmTotp(token, body.id, code)),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([200, ...Array(19).fill(404)]);
    expect(await actionsOn(id)).toEqual([
      "user.created",
      "factor.added",
      "recovery_codes.generated",
    ]);
  });

  it("leaves the caller's tokens valid", async () => {
    expect(await statusesOf(await createTotpUser())).toEqual({
      write: 200,
      read: 200,
      refresh: 200,
    });
  });
});
