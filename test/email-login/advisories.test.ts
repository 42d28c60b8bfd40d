import { describe, expect, it } from "vitest";
import { createLoginMailbox, emailLoginOf, requestLogin } from "../support/email-login.ts";
import { sqlAll } from "../support/fixtures.ts";
import { createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";
import { createSquatter, expectPowerless } from "../support/squatter.ts";

describe("published vulnerabilities of logins by email in other software", () => {
  it("GHSA-7rqj-j65f-68wh: an address that only looks like a known one, or becomes one later, sends nothing elsewhere", async () => {
    const box = createLoginMailbox();
    const { email } = await createVerifiedMailUser(box);
    const [local = "", domain = ""] = email.split("@");
    const before = box.sent.length;
    const { request } = emailLoginOf(box);
    for (const trick of [
      `${local}＠${domain}`,
      `${local}﹫${domain}`,
      `attacker@evil.example＠${domain}`,
      `${local}@evil.example＠${domain}`,
      `${local}@${domain}\u200b`,
      `${local}@${domain},attacker@evil.example`,
      `${local}@${domain}\nattacker@evil.example`,
      `"${local}@evil.example"@${domain}`,
    ]) {
      await request(trick);
    }
    const recipients = new Set(box.sent.slice(before).map(({ to }) => to));
    for (const to of recipients) expect(to).toBe(email);
  });

  it("GHSA-hc7v-rggr-4hvx: a link is used up atomically, so that parallel requests share no session", async () => {
    const { user, token, byLink } = await requestLogin();
    const sessions = () => sqlAll("SELECT id FROM sessions WHERE user_id = ?", user.id);
    const before = (await sessions()).length;
    const answers = await Promise.all(Array.from({ length: 10 }, () => byLink(token)));
    const refused = answers.filter(({ status }) => status !== 200);
    for (const answer of refused) expectProblem(answer, 401, "invalid_code");
    expect([refused.length, (await sessions()).length]).toEqual([9, before + 1]);
  });

  it("GHSA-g38m-r43w-p2q7: what a stranger set up with an unverified address does not survive the owner's login", async () => {
    const box = createLoginMailbox();
    const squatter = await createSquatter(box);
    const { request, byLink } = emailLoginOf(box);
    await request(squatter.email);
    expect((await byLink(box.tokenTo(squatter.email))).status).toBe(200);
    await expectPowerless(box, squatter);
  });
});
