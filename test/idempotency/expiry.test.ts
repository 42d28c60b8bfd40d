import { describe, expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { beforeStatement } from "../support/d1.ts";
import { createTestUser, logIn, sqlRun } from "../support/fixtures.ts";
import {
  CREATION_NAMES,
  countAnswers,
  isReplayed,
  newCreation,
  sendKeyed,
} from "../support/idempotency.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

const DAY = 86_400_000;

/** Creates something once, and lets the time of its answer pass. Returns how to send the request again, after a new login. */
async function createAndExpire(name: string) {
  const clock = stopClock();
  const admin = await createTestUser("admin");
  const creation = await newCreation(name, admin);
  const key = crypto.randomUUID();
  const again = async (bindings?: Cloudflare.Env) => {
    const isPublic = name.includes("register");
    const token = isPublic ? undefined : (await logIn(admin.username)).token;
    return sendKeyed(key, creation, { ...(token && { token }), ...(bindings && { bindings }) });
  };
  const first = await again();
  expect(first.status, first.text).toBeLessThan(300);
  return { clock, creation, again, first };
}

describe("the response to a key", () => {
  it("is given again for 24 hours, and then the key is a new one", async () => {
    const { clock, creation, again } = await createAndExpire("POST /v1/api-keys");
    clock.at(DAY - 1);
    expect(isReplayed(await again())).toBe(true);
    clock.at(DAY);
    const next = await again();
    expect([next.status, isReplayed(next)]).toEqual([201, false]);
    expect(await creation.count()).toBe(2);
    clock.at(2 * DAY - 1);
    const last = await again();
    expect([last.text, isReplayed(last)]).toEqual([next.text, true]);
  });

  // Whoever has added a passkey cannot log in with the password alone a day later.
  const names = CREATION_NAMES.filter((name) => !name.endsWith("/passkeys"));

  it.each(names)("that has expired and is still stored does not stop %s", async (name) => {
    const { clock, creation, again } = await createAndExpire(name);
    const before = await countAnswers();
    clock.at(DAY);
    const repeatable = /api-keys|factors|recovery/.test(name);
    const next = await again();
    expect([next.status < 300, isReplayed(next)]).toEqual([repeatable, false]);
    const last = await again();
    expect([last.text, isReplayed(last)]).toEqual([next.text, true]);
    // An app that is not confirmed is replaced by the next one.
    expect(await creation.count()).toBe(repeatable && !name.endsWith("totp") ? 2 : 1);
    expect(await countAnswers()).toBe(before);
  });

  it("that has expired is replaced once: of two at once, one gets the response of the other", async () => {
    const { clock, creation, again } = await createAndExpire("POST /v1/api-keys");
    clock.at(DAY);
    const late = await again(beforeStatement(/^insert into "api_keys"/, () => again()));
    expect(isReplayed(late)).toBe(true);
    expect(await creation.count()).toBe(2);
  });
});

describe("the hourly run", () => {
  it("deletes responses that have expired, and no others", async () => {
    await sqlRun("DELETE FROM idempotency_keys");
    const clock = stopClock();
    const logs = captureLogs();
    const early = await newCreation("POST /v1/auth/register");
    const later = await newCreation("POST /v1/auth/register");
    await sendKeyed("early", early);
    clock.pass(1);
    await sendKeyed("later", later);
    clock.at(DAY - 1);
    await runCron(HOURLY);
    expect(await countAnswers()).toBe(2);
    clock.at(DAY);
    await runCron(HOURLY);
    expect(await countAnswers()).toBe(1);
    const jobs = logs.of("cron.job").filter(({ job }) => job === "delete_expired_idempotency_keys");
    expect(jobs.at(-1)).toMatchObject({ items: 1, finished: true });
    expect(isReplayed(await sendKeyed("later", later))).toBe(true);
    expectProblem(await sendKeyed("early", early), 409, "email_taken");
  });
});
