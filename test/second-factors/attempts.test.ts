import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import {
  addTotp,
  byRecoveryCode,
  byTotp,
  codeOf,
  createTotpUser,
  halfLogIn,
  stepUp,
  type TotpUser,
  verify,
  wrongCodeOf,
} from "../support/factors.ts";
import { allAuditOf, createTestUser, sqlAll } from "../support/fixtures.ts";
import { createMailbox, createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

/** Sends wrong codes of alternating methods. */
async function fail(user: TotpUser, times: number): Promise<void> {
  const token = await halfLogIn(user);
  const wrong = [byTotp(await wrongCodeOf(user.secret)), byRecoveryCode("0000-0000-0000-0000")];
  for (let time = 0; time < times; time += 1) {
    const factor = wrong[time % wrong.length] ?? byTotp("");
    expectProblem(await verify(token, factor), 401, "invalid_code");
  }
}

const attemptsAt = (key: string) =>
  sqlAll("SELECT attempts FROM login_attempts WHERE key = ?", key);

describe("wrong second factors", () => {
  it("are counted over all methods: the sixth is 429, and so is a right one", async () => {
    const { pass } = stopClock();
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    await fail(user, 5);
    const [recovery = ""] = user.codes;
    const later = [byTotp("000000"), byTotp(await codeOf(user.secret)), byRecoveryCode(recovery)];
    for (const factor of later) {
      const answer = await verify(token, factor);
      expectProblem(answer, 429, "too_many_attempts");
      expect(answer.headers.get("Retry-After")).toBe("900");
    }
    const again = await stepUp(user.token, byTotp(await codeOf(user.secret)));
    expectProblem(again, 429, "too_many_attempts");
    pass(15 * MINUTE - 1);
    const early = await verify(await halfLogIn(user), byTotp(await codeOf(user.secret)));
    expectProblem(early, 429, "too_many_attempts");
    pass(1);
    const late = await verify(await halfLogIn(user), byTotp(await codeOf(user.secret)));
    expect(late.status).toBe(200);
  });

  it("leave the count of passwords as it is", async () => {
    const user = await createTotpUser();
    await fail(user, 5);
    const before = await attemptsAt(`user:${user.id}`);
    await verify(await halfLogIn(user), byTotp("000000"));
    expect(await attemptsAt(`user:${user.id}`)).toEqual(before);
    expect((await halfLogIn(user)).length).toBeGreaterThan(0);
  });

  it("are not counted together with wrong passwords", async () => {
    const user = await createTotpUser();
    const token = await halfLogIn(user);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await send("/v1/auth/login", { body: { username: user.username, password: "wrong one" } });
    }
    expect((await verify(token, byTotp(await codeOf(user.secret)))).status).toBe(200);
  });

  it("are forgotten after a right one", async () => {
    const user = await createTotpUser();
    await fail(user, 4);
    await verify(await halfLogIn(user), byTotp(await codeOf(user.secret)));
    expect(await attemptsAt(`mfa:${user.id}`)).toEqual([]);
    await fail(user, 5);
  });

  it("are counted at step-up, too, and cleared by one", async () => {
    const user = await createTotpUser();
    await fail(user, 3);
    expectProblem(await stepUp(user.token, byTotp("abc")), 401, "invalid_code");
    expect((await stepUp(user.token, byTotp(await codeOf(user.secret)))).status).toBe(200);
    await fail(user, 4);
    expectProblem(await stepUp(user.token, byTotp("abc")), 401, "invalid_code");
    expectProblem(await stepUp(user.token, byTotp("abc")), 429, "too_many_attempts");
  });

  it("are forgotten when an administrator unlocks the account", async () => {
    const user = await createTotpUser();
    await fail(user, 5);
    const { token } = await createTestUser("admin");
    const path = `/v1/users/${user.id}/unlock`;
    expect((await send(path, { method: "POST", token })).status).toBe(204);
    const factor = byTotp(await codeOf(user.secret));
    expect((await verify(await halfLogIn(user), factor)).status).toBe(200);
  });

  it("are recorded, and so is reaching the limit", async () => {
    const user = await createTotpUser();
    await fail(user, 5);
    const events = (await allAuditOf(user.id)).filter(({ action }) =>
      ["auth.mfa_failed", "auth.locked_out"].includes(action),
    );
    const failed = (method: string) => ({
      action: "auth.mfa_failed",
      actor_type: "anonymous",
      ip: "203.0.113.7",
      metadata: { method },
    });
    expect(events).toMatchObject([
      ...["totp", "recovery_code", "totp", "recovery_code", "totp"].map(failed),
      { action: "auth.locked_out", metadata: { locked: "second_factor" } },
    ]);
  });
});

describe("the owner", () => {
  async function createRecipient() {
    const box = createMailbox();
    const user = await addTotp(await createVerifiedMailUser(box), { bindings: box.bindings });
    const subjects = async () => {
      await runCron(MINUTELY, box.bindings);
      return box.subjectsTo(user.email);
    };
    return { box, user, subjects };
  }

  it("gets an email about a wrong code: one per minute and five per hour", async () => {
    const { pass } = stopClock();
    const { box, user, subjects } = await createRecipient();
    const { bindings } = box;
    const about = "Failed attempt to confirm it is you";
    const count = async () => (await subjects()).filter((subject) => subject === about).length;
    const failAt = async (ms: number) => {
      pass(ms);
      await verify(await halfLogIn(user, { bindings }), byTotp("000000"), { bindings });
    };
    await failAt(0);
    await failAt(1000);
    expect(await count()).toBe(1);
    for (let time = 0; time < 6; time += 1) await failAt(5 * MINUTE);
    expect(await count()).toBe(5);
  });

  it("gets one for each recovery code that is used, and one when three are left", async () => {
    const { pass } = stopClock();
    const { box, user } = await createRecipient();
    const { bindings } = box;
    const after: string[][] = [];
    for (const code of user.codes) {
      pass(20 * MINUTE);
      const seen = box.subjectsTo(user.email).length;
      const token = await halfLogIn(user, { bindings });
      expect((await verify(token, byRecoveryCode(code), { bindings })).status).toBe(200);
      after.push(box.subjectsTo(user.email).slice(seen));
    }
    const used = "A recovery code was used";
    const expected = Array.from({ length: 10 }, (_, index) =>
      index === 6 ? [used, "You have three recovery codes left"] : [used],
    );
    expect(after.map((subjects) => subjects.sort())).toEqual(expected);
  });

  it("gets one when a factor is added or removed", async () => {
    const { box, user } = await createRecipient();
    expect(box.subjectsTo(user.email)).toContain("Second factor added to your account");
    const { status } = await send(`/v1/auth/factors/${user.factorId}`, {
      method: "DELETE",
      token: user.token,
      bindings: box.bindings,
    });
    expect(status).toBe(204);
    expect(box.subjectsTo(user.email)).toContain("Second factor removed from your account");
  });

  it("gets none at an address that is not verified", async () => {
    const box = createMailbox();
    const { bindings } = box;
    const user = await addTotp(await createTestUser(), { bindings });
    await verify(await halfLogIn(user, { bindings }), byTotp("000000"), { bindings });
    await runCron(MINUTELY, bindings);
    expect(box.to(user.email)).toEqual([]);
  });
});
