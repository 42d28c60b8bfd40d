import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { codeOf, createStrictUser, requireFactor } from "../support/factors.ts";
import { actionsOn, countUsers, newEmail, sqlAll, sqlRun } from "../support/fixtures.ts";
import { identitiesOf, userBy } from "../support/identities.ts";
import { createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";
import {
  createProviderBox,
  type Fake,
  logInWith,
  newPerson,
  reachCode,
  sendExchange,
} from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";
import { createSquatter, expectPowerless, proofOf } from "../support/squatter.ts";

const box = createProviderBox();
const { bindings } = box;
let fake: Fake;

beforeEach(async () => {
  fake = await fakeProviders();
});

describe("an account with the same address", () => {
  it("is linked by itself if both sides have verified it, and its owner is told", async () => {
    const owner = await createVerifiedMailUser(box);
    const claims = newPerson({ email: owner.email.toUpperCase() });
    const { status, body } = await logInWith(box, fake, { claims });
    expect([status, decodeJwt(body.access_token).sub]).toEqual([200, owner.id]);
    expect(await identitiesOf(owner.id)).toHaveLength(1);
    expect(await actionsOn(owner.id)).toContain("identity.linked");
    const mail = box
      .to(owner.email)
      .find(({ subject }) => subject === "Login provider linked to your account");
    expect(mail?.text).toContain("“idp”");
    // What they had works as before.
    expect((await send("/v1/users/me", { bindings, token: owner.token })).status).toBe(200);
  });

  it.each([
    ["the provider has not verified it", { email_verified: false }, "idp"],
    ["the provider says nothing about it", { email_verified: undefined }, "idp"],
    ["the provider is not trusted with addresses", { xms_edov: true }, "microsoft"],
  ] as const)("is not linked if %s", async (_, claims, provider) => {
    const owner = await createVerifiedMailUser(box);
    const answer = await logInWith(box, fake, {
      provider,
      claims: newPerson({ email: owner.email, ...claims }),
    });
    expectProblem(answer, 409, "account_link_required");
    expect(await identitiesOf(owner.id)).toEqual([]);
  });

  it("is not linked by itself if it has a second factor", async () => {
    const owner = await createVerifiedMailUser(box);
    await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", owner.id);
    const answer = await logInWith(box, fake, { claims: newPerson({ email: owner.email }) });
    expectProblem(answer, 409, "account_link_required");
    expect(await identitiesOf(owner.id)).toEqual([]);
  });

  it("is not linked if it gets a second factor meanwhile", async () => {
    const owner = await createVerifiedMailUser(box);
    const late = beforeStatement(
      /^insert into "identities"/,
      () => sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", owner.id),
      bindings,
    );
    const code = await reachCode(box, fake, { claims: newPerson({ email: owner.email }) });
    expectProblem(await sendExchange(code, { bindings: late }), 409, "account_link_required");
    expect(await identitiesOf(owner.id)).toEqual([]);
  });

  it("is not linked if it is deleted meanwhile", async () => {
    const owner = await createVerifiedMailUser(box);
    const late = beforeStatement(
      /^insert into "identities"/,
      () => sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", owner.id),
      bindings,
    );
    const code = await reachCode(box, fake, { claims: newPerson({ email: owner.email }) });
    expect((await sendExchange(code, { bindings: late })).status).toBe(200);
    expect(await identitiesOf(owner.id)).toEqual([]);
  });

  it("is not linked if its address changes meanwhile", async () => {
    const owner = await createVerifiedMailUser(box);
    const email = newEmail();
    const late = beforeStatement(
      /^insert into "identities"/,
      () =>
        sqlRun("UPDATE users SET email = ?, email_key = ? WHERE id = ?", email, email, owner.id),
      bindings,
    );
    const code = await reachCode(box, fake, { claims: newPerson({ email: owner.email }) });
    expect((await sendExchange(code, { bindings: late })).status).toBe(200);
    expect(await identitiesOf(owner.id)).toEqual([]);
  });

  it("is not linked to an account that was linked to another one meanwhile", async () => {
    const owner = await createVerifiedMailUser(box);
    const claims = newPerson({ email: owner.email });
    const late = beforeStatement(
      /^insert into "identities"/,
      () => logInWith(box, fake, { claims: { ...claims, email: newEmail() } }),
      bindings,
    );
    const code = await reachCode(box, fake, { claims });
    expect((await sendExchange(code, { bindings: late })).status).toBe(200);
    expect(await identitiesOf(owner.id)).toEqual([]);
  });

  it("is not linked beyond twenty accounts at providers", async () => {
    const owner = await createVerifiedMailUser(box);
    for (let i = 0; i < 20; i += 1) {
      await sqlRun(
        "INSERT INTO identities VALUES (?, ?, 'idp', 'https://idp.example', ?, NULL, 0, NULL)",
        `${owner.id}-${i}`,
        owner.id,
        `${owner.id}-${i}`,
      );
    }
    const answer = await logInWith(box, fake, { claims: newPerson({ email: owner.email }) });
    expectProblem(answer, 409, "identity_limit");
  });
});

describe("an account whose address nobody has proven", () => {
  it("belongs to whom a trusted provider vouches for: nothing of whoever set it up survives", async () => {
    const squatter = await createSquatter(box);
    const claims = newPerson({ email: squatter.email });
    const answer = await logInWith(box, fake, { claims });
    expect(answer.status, answer.text).toBe(200);
    await expectPowerless(box, squatter, { identities: 1 });
    expect(await identitiesOf(squatter.id)).toMatchObject([{ subject: claims.sub }]);
    expect(await proofOf(squatter.id)).toEqual({
      reason: "provider",
      removed: ["password", "sessions", "api_keys", "factors", "identities"],
    });
    const me = await send("/v1/auth/me", { bindings, token: answer.body.access_token });
    expect(me.body.user).toMatchObject({
      id: squatter.id,
      email_verified: true,
      has_password: false,
    });
  });

  it("is not given to a provider that is not trusted with addresses", async () => {
    const squatter = await createSquatter(box);
    const claims = newPerson({ email: squatter.email, xms_edov: true });
    const answer = await logInWith(box, fake, { provider: "microsoft", claims });
    expectProblem(answer, 409, "account_link_required");
  });

  it("is claimed by someone who was invited, without the invitation", async () => {
    const admin = await createVerifiedMailUser(box);
    await sqlRun("UPDATE users SET role = 'admin' WHERE id = ?", admin.id);
    const body = { username: `invited-${admin.username}`, email: newEmail() };
    const invited = await send("/v1/users", { bindings, token: admin.token, body });
    expect(invited.status, invited.text).toBe(201);
    const link = box.tokenTo(body.email);
    const answer = await logInWith(box, fake, { claims: newPerson({ email: body.email }) });
    expect(decodeJwt(answer.body.access_token).sub).toBe(invited.body.id);
    expect(await actionsOn(invited.body.id)).toContain("identity.linked");
    const reset = { token: link, password: "another pass phrase" };
    const late = await send("/v1/auth/password/reset", { bindings, body: reset });
    expectProblem(late, 400, "invalid_token");
  });
});

describe("an account that cannot log in", () => {
  it.each([
    ["inactive", "UPDATE users SET is_active = 0 WHERE id = ?"],
    ["deleted", "UPDATE users SET deleted_at = 1 WHERE id = ?"],
  ])("is refused: %s", async (_, statement) => {
    const claims = newPerson();
    await logInWith(box, fake, { claims });
    const { id = "" } = (await userBy(claims.email)) ?? {};
    await sqlRun(statement, id);
    const before = await countUsers();
    const sessions = await sqlAll("SELECT id FROM sessions WHERE user_id = ?", id);
    expectProblem(await logInWith(box, fake, { claims }), 401, "invalid_credentials");
    expect(await sqlAll("SELECT id FROM sessions WHERE user_id = ?", id)).toEqual(sessions);
    expect(await countUsers()).toBe(before);
  });

  it("is refused: inactive, with the same address", async () => {
    const owner = await createVerifiedMailUser(box);
    await sqlRun("UPDATE users SET is_active = 0 WHERE id = ?", owner.id);
    const answer = await logInWith(box, fake, { claims: newPerson({ email: owner.email }) });
    expectProblem(answer, 401, "invalid_credentials");
    expect(await identitiesOf(owner.id)).toEqual([]);
    expect(await actionsOn(owner.id)).toContain("auth.login_failed");
  });

  it("is refused if it was deactivated, or unlinked, after it was found", async () => {
    for (const statement of [
      "UPDATE users SET is_active = 0 WHERE id = ?",
      "DELETE FROM identities WHERE user_id = ?",
    ]) {
      const claims = newPerson();
      await logInWith(box, fake, { claims });
      const { id = "" } = (await userBy(claims.email)) ?? {};
      const late = beforeStatement(
        /^insert into "sessions"/,
        () => sqlRun(statement, id),
        bindings,
      );
      const code = await reachCode(box, fake, { claims });
      expectProblem(await sendExchange(code, { bindings: late }), 401, "invalid_credentials");
    }
  });

  it("is refused while logins need a verified address that it does not have", async () => {
    const strict = createProviderBox({ LOGIN_REQUIRES_VERIFIED_EMAIL: "on" });
    const claims = newPerson();
    const answer = await logInWith(strict, fake, {
      provider: "microsoft",
      claims: { ...claims, xms_edov: true },
    });
    expectProblem(answer, 403, "email_not_verified");
    expect(strict.subjectsTo(claims.email)).toEqual(["Confirm your email address"]);
  });
});

describe("a second factor", () => {
  it("is asked for after a login with a provider, and completes it", async () => {
    const claims = newPerson();
    const first = await logInWith(box, fake, { claims });
    const { id = "" } = (await userBy(claims.email)) ?? {};
    const token: string = first.body.access_token;
    const added = await send("/v1/auth/factors/totp", { bindings, token, body: {} });
    const { id: factor, secret } = added.body;
    const body = { id: factor, code: await codeOf(secret, -1) };
    await send("/v1/auth/factors/totp/confirm", { bindings, token, body });
    const half = await logInWith(box, fake, { claims });
    expectProblem(half, 401, "mfa_required");
    expect(half.body.methods).toEqual(["totp", "recovery_code"]);
    const sent = { mfa_token: half.body.mfa_token, method: "totp", code: await codeOf(secret) };
    const whole = await send("/v1/auth/mfa/verify", { bindings, body: sent });
    expect(decodeJwt(whole.body.access_token)).toMatchObject({
      sub: id,
      acr: "aal2",
      amr: ["otp", "fed", "mfa"],
    });
  });

  it("must be added where the role requires one", async () => {
    const claims = newPerson();
    await logInWith(box, fake, { claims });
    const { id = "" } = (await userBy(claims.email)) ?? {};
    await requireFactor({ id });
    expectProblem(await logInWith(box, fake, { claims }), 401, "mfa_enrollment_required");
    const strict = await createStrictUser();
    const claimed = await logInWith(box, fake, { claims: newPerson({ email: strict.email }) });
    expectProblem(claimed, 401, "mfa_enrollment_required");
  });
});
