import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import {
  CODE_VERIFIER,
  createProviderBox,
  type Fake,
  logInWith,
  newPerson,
  reachCode,
  sendExchange,
} from "../support/provider-logins.ts";
import { CODE_CHALLENGE, fakeProviders } from "../support/providers.ts";

const box = createProviderBox();
const { bindings } = box;
let fake: Fake;

beforeEach(async () => {
  fake = await fakeProviders();
});

const sessionsOf = (claims: { email: string }) =>
  sqlAll(
    "SELECT id FROM sessions WHERE user_id = (SELECT id FROM users WHERE email_key = ?)",
    claims.email,
  );

describe("a code", () => {
  it("works once", async () => {
    const code = await reachCode(box, fake, { claims: newPerson() });
    expect((await sendExchange(code, { bindings })).status).toBe(200);
    expectProblem(await sendExchange(code, { bindings }), 400, "invalid_code");
    expect(await sqlAll("SELECT id FROM exchange_codes WHERE id = ?", code)).toEqual([]);
  });

  it("starts one session if it is sent twenty times in parallel", async () => {
    const claims = newPerson();
    await logInWith(box, fake, { claims });
    const before = (await sessionsOf(claims)).length;
    const code = await reachCode(box, fake, { claims });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => sendExchange(code, { bindings })),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    for (const answer of refused) expectProblem(answer, 400, "invalid_code");
    expect([refused.length, (await sessionsOf(claims)).length]).toEqual([19, before + 1]);
  });

  it("is void after a minute", async () => {
    const clock = stopClock();
    const [code, late] = [
      await reachCode(box, fake, { claims: newPerson() }),
      await reachCode(box, fake, { claims: newPerson() }),
    ];
    clock.pass(59_999);
    expect((await sendExchange(code, { bindings })).status).toBe(200);
    clock.pass(1);
    expectProblem(await sendExchange(late, { bindings }), 400, "invalid_code");
  });

  it("is void once it is from before the revocation epoch", async () => {
    const clock = stopClock();
    const code = await reachCode(box, fake, { claims: newPerson() });
    clock.pass(1000);
    const REVOKED_BEFORE = new Date(Date.now()).toISOString();
    const later = createProviderBox({ REVOKED_BEFORE });
    expectProblem(await sendExchange(code, { bindings: later.bindings }), 400, "invalid_code");
  });

  it.each([
    ["another one", "x".repeat(43)],
    ["none of this form", "short"],
    ["the challenge itself", CODE_CHALLENGE],
    ["the right one and more", `${CODE_VERIFIER}A`],
  ])("is burned by a verifier that is %s", async (_, code_verifier) => {
    const code = await reachCode(box, fake, { claims: newPerson() });
    const wrong = await sendExchange(code, { bindings, body: { code_verifier } });
    expectProblem(wrong, 400, "invalid_code");
    expectProblem(await sendExchange(code, { bindings }), 400, "invalid_code");
  });

  it("that nobody got is refused like one that was used", async () => {
    const { token, refreshToken } = await createTestUser();
    for (const code of ["x", `rxc_${"A".repeat(43)}`, token, refreshToken]) {
      expectProblem(await sendExchange(code, { bindings }), 400, "invalid_code");
    }
  });

  it("is no credential and no token of another kind", async () => {
    const code = await reachCode(box, fake, { claims: newPerson() });
    expectProblem(await send("/v1/users/me", { token: code, bindings }), 401, "unauthenticated");
    const refresh = await send("/v1/auth/refresh", { body: { refresh_token: code }, bindings });
    expectProblem(refresh, 401, "invalid_refresh_token");
    const mfa = { mfa_token: code, method: "totp", code: "000000" };
    const half = await send("/v1/auth/mfa/verify", { body: mfa, bindings });
    expectProblem(half, 401, "invalid_mfa_token");
  });

  it("is of no use with a stored record of another code", async () => {
    const [one, other] = [
      await reachCode(box, fake, { claims: newPerson() }),
      await reachCode(box, fake, { claims: newPerson() }),
    ];
    await sqlRun(
      "UPDATE exchange_codes SET sealed = (SELECT max(other.sealed) FROM exchange_codes AS other)",
    );
    const statuses = [
      await sendExchange(one, { bindings }),
      await sendExchange(other, { bindings }),
    ];
    expect(statuses.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });
});

describe("the exchange", () => {
  it("names every fault of the body", async () => {
    const answer = await send("/v1/auth/exchange", { bindings, body: { code: 1, x: 1 } });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toEqual(
      expect.arrayContaining(["code invalid_type", "code_verifier required", "x unknown_field"]),
    );
  });

  it("is limited like every login", async () => {
    const limited = createProviderBox({ RATE_LIMIT_AUTH: "1/60" }).bindings;
    expectProblem(await sendExchange("x", { bindings: limited }), 400, "invalid_code");
    expectProblem(await sendExchange("x", { bindings: limited }), 429, "rate_limited");
  });

  it("refuses a code of a provider that the settings no longer have", async () => {
    const code = await reachCode(box, fake, { claims: newPerson() });
    const without = createIsolate({ RATE_LIMIT_AUTH: "0" });
    expectProblem(await sendExchange(code, { bindings: without }), 400, "invalid_code");
  });
});
