import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  byRecoveryCode,
  createTotpUser,
  halfLogIn,
  remainingCodes,
  removeFactor,
  verify,
} from "../support/factors.ts";
import { auditOf, createTestUser, sqlAll } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";

const generate = (token: string) => send("/v1/auth/recovery-codes", { method: "POST", token });

describe("recovery codes", () => {
  it("are generated anew, which voids the old ones, and is recorded", async () => {
    const user = await createTotpUser();
    expect(await remainingCodes(user.token)).toBe(10);
    const { status, body, headers } = await generate(user.token);
    expect([status, headers.get("Cache-Control")]).toEqual([201, "no-store"]);
    expect(new Set(body.recovery_codes).size).toBe(10);
    const [old = ""] = user.codes;
    expectProblem(await verify(await halfLogIn(user), byRecoveryCode(old)), 401, "invalid_code");
    const [fresh = ""] = body.recovery_codes;
    expect((await verify(await halfLogIn(user), byRecoveryCode(fresh))).status).toBe(200);
    expect(await remainingCodes(user.token)).toBe(9);
    expect((await auditOf(user.id)).map(({ action }) => action)).toEqual([
      "user.created",
      "factor.added",
      "recovery_codes.generated",
      "recovery_codes.generated",
      "auth.mfa_failed",
      "recovery_code.used",
    ]);
  });

  it("are stored as hashes", async () => {
    const { id, codes } = await createTotpUser();
    const stored = JSON.stringify(
      await sqlAll("SELECT * FROM recovery_codes WHERE user_id = ?", id),
    );
    for (const code of codes) {
      expect(stored).not.toContain(code);
      expect(stored).not.toContain(code.replaceAll("-", ""));
    }
  });

  it("are not generated for someone without a factor", async () => {
    const { token } = await createTestUser();
    expectProblem(await generate(token), 409, "factor_missing");
    expect(await remainingCodes(token)).toBe(0);
  });

  it("are not generated if the last factor is removed meanwhile", async () => {
    const user = await createTotpUser();
    const bindings = beforeStatement(/^insert into "recovery_codes"/, () =>
      removeFactor(user.token, user.factorId),
    );
    const path = "/v1/auth/recovery-codes";
    const answer = await send(path, { method: "POST", token: user.token, bindings });
    expectProblem(answer, 409, "factor_missing");
    expect(await remainingCodes(user.token)).toBe(0);
  });
});
