import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { sqlAll } from "../support/fixtures.ts";
import { createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";
import {
  createProviderBox,
  logInWith,
  newPerson,
  reachCode,
  sendExchange,
} from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";
import { createSquatter, expectPowerless } from "../support/squatter.ts";

const box = createProviderBox();
const { bindings } = box;

describe("published vulnerabilities of logins with providers in other software", () => {
  // ZITADEL let the result of a login with a provider start sessions until it expired.
  it("CVE-2025-46815: whoever sees the address that a provider's login ends at cannot use its code, and nobody uses it twice", async () => {
    const fake = await fakeProviders();
    const claims = newPerson();
    const code = await reachCode(box, fake, { claims });
    expect((await sendExchange(code, { bindings })).status).toBe(200);
    for (let i = 0; i < 3; i += 1) {
      expectProblem(await sendExchange(code, { bindings }), 400, "invalid_code");
    }
    const seen = await reachCode(box, fake, { claims });
    const body = { code_verifier: "attacker".padEnd(43, "-") };
    expectProblem(await sendExchange(seen, { bindings, body }), 400, "invalid_code");
  });

  // Better Auth linked a provider's account to one that a stranger had registered with the same address, and kept the stranger's password.
  it("GHSA-g38m-r43w-p2q7: a stranger who registered the address keeps nothing once its owner comes with a provider", async () => {
    const fake = await fakeProviders();
    const squatter = await createSquatter(box);
    const { status } = await logInWith(box, fake, { claims: newPerson({ email: squatter.email }) });
    expect(status).toBe(200);
    await expectPowerless(box, squatter, { identities: 1 });
  });

  it("GHSA-g38m-r43w-p2q7: nor does one who came with a provider that is not trusted with addresses", async () => {
    const fake = await fakeProviders();
    const claims = newPerson();
    const theirs = { ...claims, sub: "attacker", xms_edov: true };
    const planted = await logInWith(box, fake, { provider: "microsoft", claims: theirs });
    expect(planted.status).toBe(200);
    const { body } = await logInWith(box, fake, { claims });
    const id = String(decodeJwt(body.access_token).sub);
    const left = await sqlAll("SELECT provider, subject FROM identities WHERE user_id = ?", id);
    expect(left).toEqual([{ provider: "idp", subject: claims.sub }]);
    const again = await logInWith(box, fake, { provider: "microsoft", claims: theirs });
    expect(again.body.access_token).toBeUndefined();
  });

  // Auth.js checked an address before it normalized it, so that a look-alike of @ led to another mailbox.
  it("GHSA-7rqj-j65f-68wh: an address that only looks like a known one opens no account", async () => {
    const fake = await fakeProviders();
    const { email } = await createVerifiedMailUser(box);
    const [local = "", domain = ""] = email.split("@");
    for (const trick of [
      `${local}＠${domain}`,
      `${local}﹫${domain}`,
      `attacker@evil.example＠${domain}`,
      `${local}@${domain}\u200b`,
      `${local.replace("p", "ｐ")}@${domain}`,
    ]) {
      const answer = await logInWith(box, fake, { claims: newPerson({ email: trick }) });
      expectProblem(answer, 403, "email_not_verified");
    }
  });
});
