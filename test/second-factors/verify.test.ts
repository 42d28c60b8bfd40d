import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  byRecoveryCode,
  byTotp,
  codeOf,
  createStrictUser,
  createTotpUser,
  halfLogIn,
  sendPassword,
  type TotpUser,
  verify,
  wrongCodeOf,
} from "../support/factors.ts";
import { auditOf, createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const halfLogInOften = async (user: TotpUser, times: number) => {
  const tokens: string[] = [];
  while (tokens.length < times) tokens.push(await halfLogIn(user));
  return tokens;
};

const sessionsOf = ({ id }: { id: string }) =>
  sqlAll("SELECT id FROM sessions WHERE user_id = ?", id);

const newSessionsOf = async (user: TotpUser) => (await sessionsOf(user)).length - 1;

const remainingOf = async ({ id }: { id: string }) => {
  const [row] = await sqlAll<{ n: number }>(
    "SELECT json_array_length(hashes) AS n FROM recovery_codes WHERE user_id = ?",
    id,
  );
  return row?.n;
};

describe("POST /v1/auth/mfa/verify", () => {
  it("with the code of an app starts a session of two factors", async () => {
    const user = await createTotpUser();
    const { status, body, headers } = await verify(
      await halfLogIn(user),
      byTotp(await codeOf(user.secret)),
    );
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(body).toMatchObject({ token_type: "Bearer", expires_in: 900 });
    const claims = decodeJwt(body.access_token);
    expect(claims).toMatchObject({ sub: user.id, acr: "aal2", amr: ["pwd", "otp", "mfa"] });
    expect((await send("/v1/auth/me", { token: body.access_token })).status).toBe(200);
    const login = (await auditOf(user.id)).length;
    expect(login).toBe(3);
    const { body: list } = await send("/v1/auth/factors", { token: user.token });
    expect(list.data[0].last_used_at).toEqual(expect.any(String));
  });

  it("with a recovery code starts a session, and uses the code up", async () => {
    const user = await createTotpUser();
    const [code = ""] = user.codes;
    const typed = code.toUpperCase().replaceAll("-", " ");
    const { status, body } = await verify(await halfLogIn(user), byRecoveryCode(typed));
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({
      acr: "aal2",
      amr: ["pwd", "recovery", "mfa"],
    });
    expect(await remainingOf(user)).toBe(9);
    expect((await auditOf(user.id)).at(-1)).toMatchObject({
      action: "recovery_code.used",
      actor_id: user.id,
    });
    const again = await verify(await halfLogIn(user), byRecoveryCode(code));
    expectProblem(again, 401, "invalid_code");
    const [, other = ""] = user.codes;
    expect((await verify(await halfLogIn(user), byRecoveryCode(other))).status).toBe(200);
  });

  it("takes the codes of one step before and after, and no others", async () => {
    stopClock();
    const outcomes: number[] = [];
    for (const steps of [-2, -1, 0, 1, 2]) {
      const user = await createTotpUser();
      await sqlRun("UPDATE factors SET last_step = 0 WHERE user_id = ?", user.id);
      const answer = await verify(await halfLogIn(user), byTotp(await codeOf(user.secret, steps)));
      outcomes.push(answer.status);
    }
    expect(outcomes).toEqual([401, 200, 200, 200, 401]);
  });

  it("refuses a code that was used, and codes of earlier steps", async () => {
    stopClock();
    const user = await createTotpUser();
    const code = await codeOf(user.secret);
    expect((await verify(await halfLogIn(user), byTotp(code))).status).toBe(200);
    for (const used of [code, await codeOf(user.secret, -1)]) {
      expectProblem(await verify(await halfLogIn(user), byTotp(used)), 401, "invalid_code");
    }
    const next = await codeOf(user.secret, 1);
    expect((await verify(await halfLogIn(user), byTotp(next))).status).toBe(200);
  });

  it("refuses what is no code, or the code of someone else", async () => {
    const user = await createTotpUser();
    const other = await createTotpUser();
    const token = await halfLogIn(user);
    const [foreign = ""] = other.codes;
    const wrong = [
      byTotp("abc"),
      byTotp("１２３４５６"),
      byRecoveryCode("-"),
      byRecoveryCode(foreign),
    ];
    for (const factor of wrong) {
      expectProblem(await verify(token, factor), 401, "invalid_code");
    }
    expect(await newSessionsOf(user)).toBe(0);
  });

  it.each([
    { method: "totp" },
    { method: "sms", code: "123456" },
    { method: "totp", code: "1".repeat(65) },
    { method: "totp", code: 123456 },
    { method: "totp", code: "123456", more: true },
    { code: "123456" },
  ])("refuses %o with 422", async (factor) => {
    const answer = await send("/v1/auth/mfa/verify", { body: { mfa_token: "rmf_x", ...factor } });
    expectProblem(answer, 422, "validation_failed");
  });

  it("offers only the methods that the person has", async () => {
    const user = await createTotpUser();
    expect((await sendPassword(user.username)).body.methods).toEqual(["totp", "recovery_code"]);
    await sqlRun("UPDATE recovery_codes SET hashes = '[]' WHERE user_id = ?", user.id);
    expect((await sendPassword(user.username)).body.methods).toEqual(["totp"]);
  });

  it("reads no secret while DATA_KEYS lacks the key of the account: 503, and recovery codes work", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    const bindings = createIsolate({ DATA_KEYS: jwkSet(octJwk("another")) });
    const byApp = await verify(token, byTotp(await codeOf(user.secret)), { bindings });
    expectProblem(byApp, 503, "service_unavailable");
    const [code = ""] = user.codes;
    expect((await verify(token, byRecoveryCode(code), { bindings })).status).toBe(200);
  });
});

describe("an mfa_token", () => {
  it("is spent by success", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    expect((await verify(token, byTotp(await codeOf(user.secret)))).status).toBe(200);
    const again = await verify(token, byTotp(await codeOf(user.secret, 1)));
    expectProblem(again, 401, "invalid_mfa_token");
    expect(await newSessionsOf(user)).toBe(1);
  });

  it("is not spent by a wrong code", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    expectProblem(await verify(token, byTotp(await wrongCodeOf(user.secret))), 401, "invalid_code");
    expect((await verify(token, byTotp(await codeOf(user.secret)))).status).toBe(200);
  });

  it("is good for ten minutes", async () => {
    const { pass } = stopClock();
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    pass(10 * MINUTE);
    const late = await verify(token, byTotp(await codeOf(user.secret)));
    expectProblem(late, 401, "invalid_mfa_token");
  });

  it.each([
    ["the password has changed", "UPDATE users SET password_version = password_version + 1"],
    ["the password has expired", "UPDATE users SET password_expired = 1"],
    ["the account is inactive", "UPDATE users SET is_active = 0"],
    ["the account is deleted", "UPDATE users SET deleted_at = 1"],
  ])("is void once %s, and then counts no attempt", async (_, change) => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    await sqlRun(`${change} WHERE id = ?`, user.id);
    const answer = await verify(token, byTotp(await codeOf(user.secret)));
    expectProblem(answer, 401, "invalid_mfa_token");
    expect(await sqlAll("SELECT 1 FROM login_attempts WHERE key = ?", `mfa:${user.id}`)).toEqual(
      [],
    );
  });

  it("is void if the password changes while the code is checked", async () => {
    const user = await createTotpUser();
    const bindings = beforeStatement(/^insert into "sessions"/, () =>
      sqlRun("UPDATE users SET password_version = password_version + 1 WHERE id = ?", user.id),
    );
    const token = await halfLogIn(user);
    const answer = await verify(token, byTotp(await codeOf(user.secret)), { bindings });
    expectProblem(answer, 401, "invalid_mfa_token");
    expect(await newSessionsOf(user)).toBe(0);
  });

  it("is refused without I/O if it was changed, or is another kind of token", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    const { username } = await createStrictUser();
    const changed = [5, 20, 30, 60, token.length - 1].map((at) => {
      const other = token[at] === "A" ? "B" : "A";
      return token.slice(0, at) + other + token.slice(at + 1);
    });
    const others = [...changed, token.slice(0, -4), token.replace("rmf_", ""), "rmf_", user.token];
    const enroll = (await sendPassword(username)).body.mfa_token;
    for (const other of [...others, user.refreshToken, enroll]) {
      const answer = await verify(other, byTotp(await codeOf(user.secret)));
      expectProblem(answer, 401, "invalid_mfa_token");
      expect(costOf(answer).queries).toBe(0);
    }
  });

  it("is remembered as spent until it expires, and then the hourly job forgets it", async () => {
    const { pass } = stopClock();
    await sqlRun("DELETE FROM spent_tokens");
    const user = await createTotpUser();
    const { token } = await createTestUser();
    await send("/v1/auth/factors/totp", { token, body: {} });
    await verify(await halfLogIn(user), byTotp(await codeOf(user.secret)));
    const count = async () => [
      (await sqlAll("SELECT 1 FROM spent_tokens WHERE expires_at >= ?", Date.now())).length,
      (await sqlAll("SELECT 1 FROM factors WHERE expires_at >= ?", Date.now())).length,
    ];
    pass(10 * MINUTE - 1);
    await runCron(HOURLY);
    expect(await count()).toEqual([1, 1]);
    pass(HOUR);
    await runCron(HOURLY);
    expect(await sqlAll("SELECT 1 FROM spent_tokens WHERE expires_at < ?", Date.now())).toEqual([]);
    expect(await sqlAll("SELECT 1 FROM factors WHERE expires_at < ?", Date.now())).toEqual([]);
    expect(await sqlAll("SELECT 1 FROM factors WHERE user_id = ?", user.id)).toHaveLength(1);
  });
});

describe("twenty at once", () => {
  const times = (send: (index: number) => Promise<{ status: number }>) =>
    Promise.all(Array.from({ length: 20 }, (_, index) => send(index)));
  const successes = (answers: { status: number }[]) =>
    answers.filter(({ status }) => status === 200).length;

  it("of one code and one token start one session", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    const code = await codeOf(user.secret);
    const answers = await times(() => verify(token, byTotp(code)));
    expect(successes(answers)).toBe(1);
    expect(await newSessionsOf(user)).toBe(1);
  });

  it("of one code with a token each start one session", async () => {
    const user = await createTotpUser();
    const tokens = await halfLogInOften(user, 20);
    const code = await codeOf(user.secret);
    const answers = await times((index) => verify(tokens[index] ?? "", byTotp(code)));
    expect(successes(answers)).toBe(1);
    expect(await newSessionsOf(user)).toBe(1);
  });

  it("of one recovery code with a token each start one session", async () => {
    const user = await createTotpUser();
    const tokens = await halfLogInOften(user, 20);
    const [code = ""] = user.codes;
    const answers = await times((index) => verify(tokens[index] ?? "", byRecoveryCode(code)));
    expect(successes(answers)).toBe(1);
    expect([await newSessionsOf(user), await remainingOf(user)]).toEqual([1, 9]);
  });

  it("of different codes with one token start one session", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    const answers = await Promise.all(
      user.codes.map((code) => verify(token, byRecoveryCode(code))),
    );
    expect(successes(answers)).toBe(1);
    expect([await newSessionsOf(user), await remainingOf(user)]).toEqual([1, 9]);
  });

  it("of wrong codes: five are evaluated", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    const wrong = await wrongCodeOf(user.secret);
    const answers = await times(() => verify(token, byTotp(wrong)));
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(15).fill(429)]);
  });

  it("a second request with the code that comes first: one session, and the other is told", async () => {
    const user = await createTotpUser();
    const [one, two] = [await halfLogIn(user), await halfLogIn(user)];
    const factor = byTotp(await codeOf(user.secret));
    const bindings = beforeStatement(/^insert into "sessions"/, () => verify(one, factor));
    expectProblem(await verify(two, factor, { bindings }), 401, "invalid_code");
    expect(await newSessionsOf(user)).toBe(1);
  });
});
