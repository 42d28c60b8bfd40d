import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { createHolder, createTestKey, sendWithKey } from "../support/credentials.ts";
import { createMailbox, createMailUser, flowsOf } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const MINUTE = 60_000;

async function createUnverified() {
  const clock = stopClock();
  const box = createMailbox();
  const user = await createMailUser(box);
  return { clock, box, user, mails: () => box.to(user.email).length, ...flowsOf(box) };
}

describe("POST /v1/auth/email/resend", () => {
  it("sends a new link and voids the previous one", async () => {
    const { clock, box, user, resend, verify } = await createUnverified();
    const first = box.tokenTo(user.email);
    clock.pass(MINUTE);
    const answer = await resend(user.token);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 202, text: "" });
    const second = box.tokenTo(user.email);
    expect(second).not.toBe(first);
    expectProblem(await verify(first), 400, "invalid_token");
    expect((await verify(second)).status).toBe(200);
  });

  it("sends one per minute, including the first, and always returns 202", async () => {
    const { clock, user, resend, mails } = await createUnverified();
    clock.pass(MINUTE - 1);
    expect((await resend(user.token)).status).toBe(202);
    expect(mails()).toBe(1);
    clock.pass(1);
    expect((await resend(user.token)).status).toBe(202);
    expect((await resend(user.token)).status).toBe(202);
    expect(mails()).toBe(2);
  });

  it("sends five per hour", async () => {
    const { clock, user, resend, logIn, mails } = await createUnverified();
    for (let i = 1; i < 10; i += 1) {
      clock.at(i * MINUTE);
      await resend(user.token);
    }
    expect(mails()).toBe(5);
    clock.at(60 * MINUTE);
    await resend((await logIn(user.username)).body.access_token);
    expect(mails()).toBe(6);
  });

  it("sends one for 10 concurrent requests", async () => {
    const { clock, user, resend, mails } = await createUnverified();
    clock.pass(MINUTE);
    await Promise.all(Array.from({ length: 10 }, () => resend(user.token)));
    expect(mails()).toBe(2);
  });

  it("sends nothing to a confirmed address", async () => {
    const { clock, box, user, resend, verify, mails } = await createUnverified();
    await verify(box.tokenTo(user.email));
    clock.pass(MINUTE);
    expect((await resend(user.token)).status).toBe(202);
    expect(mails()).toBe(1);
  });

  it("returns 401 without a token, and 403 to an API key", async () => {
    const { bindings } = createMailbox();
    const anonymous = await send("/v1/auth/email/resend", { method: "POST", bindings });
    expectProblem(anonymous, 401, "unauthenticated");
    const key = await createTestKey(await createHolder("users:read"), ["users:read"]);
    const keyed = await sendWithKey(key, "/v1/auth/email/resend", { method: "POST", bindings });
    expectProblem(keyed, 403, "forbidden");
  });
});
