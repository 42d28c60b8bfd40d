import { describe, expect, it } from "vitest";
import { codeTo, createLoginMailbox, emailLoginOf } from "../support/email-login.ts";
import { flowsOf, type Mailbox } from "../support/mail.ts";
import { createSquatter, expectPowerless, proofOf, type Squatter } from "../support/squatter.ts";

const NEW = "another pass phrase";
const EVERYTHING = ["password", "sessions", "api_keys", "factors", "identities"];
const NOTICE = "Your email address is confirmed";

/** The ways in which the owner of a mailbox proves it for the first time. Each returns the status and the reason in the event. */
const WAYS: Readonly<
  Record<string, (box: Mailbox, victim: Squatter) => Promise<[number, string]>>
> = {
  "a password reset": async (box, { email }) => {
    const { forgot, reset } = flowsOf(box);
    await forgot(email);
    return [(await reset(box.tokenTo(email), NEW)).status, "reset_password"];
  },
  "a login by a link": async (box, { email }) => {
    const { request, byLink } = emailLoginOf(box);
    await request(email);
    return [(await byLink(box.tokenTo(email))).status, "email_login"];
  },
  "a login by a code": async (box, { email }) => {
    const { request, byCode } = emailLoginOf(box);
    const { body } = await request(email);
    return [(await byCode(body.login_token, codeTo(box, email))).status, "email_login"];
  },
};

describe.each(Object.keys(WAYS))("the first proof of a mailbox by %s", (way) => {
  it("leaves nothing of whoever registered the address before, and says so in one email", async () => {
    const box = createLoginMailbox();
    const squatter = await createSquatter(box);
    const [status, reason] = (await WAYS[way]?.(box, squatter)) ?? [];
    expect(status).toBeLessThan(300);
    await expectPowerless(box, squatter);
    expect(await proofOf(squatter.id)).toEqual({ reason, removed: EVERYTHING });
    const notices = box.to(squatter.email).filter(({ text }) => !text.includes("#token="));
    expect(notices.map(({ subject }) => subject)).toEqual([NOTICE]);
    expect(notices[0]?.text).toContain(
      "the password, all sessions, all API keys, all second factors, all accounts at other providers.",
    );
  });
});
