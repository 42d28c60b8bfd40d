import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestKey, withKey } from "../support/credentials.ts";
import {
  byRecoveryCode,
  createTotpUser,
  halfLogIn,
  insertPasskey,
  verify,
} from "../support/factors.ts";
import { createTestUser, sqlAll } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const list = (token: string, query = "") => send(`/v1/auth/factors${query}`, { token });

const UNKNOWN = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

describe("factors", () => {
  const CHANGES = [
    ["POST", "/v1/auth/factors/totp", {}],
    ["POST", "/v1/auth/factors/totp/confirm", { id: UNKNOWN, code: "123456" }],
    ["PATCH", `/v1/auth/factors/${UNKNOWN}`, { name: "x" }],
    ["DELETE", `/v1/auth/factors/${UNKNOWN}`, undefined],
    ["POST", "/v1/auth/recovery-codes", undefined],
  ] as const;
  const READS = [
    ["GET", "/v1/auth/factors", undefined],
    ["GET", "/v1/auth/recovery-codes", undefined],
  ] as const;

  it.each(CHANGES)("need a recent authentication to change: %s %s", async (method, path, body) => {
    const { pass } = stopClock();
    const { token } = await createTestUser();
    pass(600_001);
    const answer = await send(path, { method, token, ...(body && { body }) });
    expectProblem(answer, 401, "insufficient_user_authentication");
    const invalid = await send(path, { method, token, body: { nonsense: true } });
    expect(invalid.body.code).toBe("insufficient_user_authentication");
  });

  it.each(CHANGES)("need two factors of those who have one: %s %s", async (method, path, body) => {
    const { token, id } = await createTestUser();
    await insertPasskey(id);
    const answer = await send(path, { method, token, ...(body && { body }) });
    expectProblem(answer, 401, "insufficient_user_authentication");
    expect(answer.headers.get("WWW-Authenticate")).toContain('acr_values="aal2"');
  });

  it.each(READS)("need none to read: %s %s", async (_, path) => {
    const { pass } = stopClock();
    const { token } = await createTotpUser();
    pass(600_001);
    expect((await send(path, { token })).status).toBe(200);
  });

  it.each([...CHANGES, ...READS])("are closed to API keys: %s %s", async (method, path, body) => {
    const key = await createTestKey(await createTestUser("admin"), ["users:update", "me:write"]);
    const answer = await send(path, { method, ...withKey(key), ...(body && { body }) });
    expectProblem(answer, 403, "forbidden");
  });

  it("are exported with the person, without secrets, and erased with them", async () => {
    const user = await createTotpUser();
    const [used = ""] = user.codes;
    await verify(await halfLogIn(user), byRecoveryCode(used));
    await verify(await halfLogIn(user), byRecoveryCode(used));
    const exported = await send("/v1/users/me/export", { token: user.token });
    const [app] = (await list(user.token)).body.data;
    expect(exported.body.second_factors).toEqual([{ ...app, credential_id: null }]);
    expect(exported.body.recovery_codes_left).toBe(9);
    expect(exported.text).not.toContain(user.secret);
    const [row] = await sqlAll<{ secret: string }>(
      "SELECT secret FROM factors WHERE id = ?",
      user.factorId,
    );
    expect(exported.text).not.toContain(row?.secret);
    const admin = await createTestUser("admin");
    const path = `/v1/users/${user.id}/erase`;
    expect((await send(path, { method: "POST", token: admin.token })).status).toBe(204);
    expect(await sqlAll("SELECT 1 FROM factors WHERE user_id = ?", user.id)).toEqual([]);
    expect(await sqlAll("SELECT 1 FROM recovery_codes WHERE user_id = ?", user.id)).toEqual([]);
    const attempts = await sqlAll("SELECT 1 FROM login_attempts WHERE key = ?", `mfa:${user.id}`);
    expect(attempts).toEqual([]);
  });
});
