import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { actionsOn, allAuditOf, countUsers, newEmail } from "../support/fixtures.ts";
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

const box = createProviderBox();
const { bindings } = box;
let fake: Fake;

beforeEach(async () => {
  fake = await fakeProviders();
});

describe("a new person", () => {
  it("gets an account without a password, and a session that says how they logged in", async () => {
    const claims = newPerson({ name: "Ada King Lovelace" });
    const { status, body } = await logInWith(box, fake, { claims });
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({ acr: "aal1", amr: ["fed"] });
    const me = await send("/v1/auth/me", { bindings, token: body.access_token });
    expect(me.body.user).toMatchObject({
      email: claims.email,
      email_verified: true,
      username: claims.email.split("@")[0],
      first_name: "Ada King",
      last_name: "Lovelace",
      role: "user",
      has_password: false,
      mfa_enabled: false,
    });
    expect(await identitiesOf(me.body.user.id)).toEqual([
      { provider: "idp", issuer: "https://idp.example", subject: claims.sub },
    ]);
  });

  it("is recorded, with the provider, in the transaction that creates the account", async () => {
    const claims = newPerson();
    await logInWith(box, fake, { claims });
    const { id = "" } = (await userBy(claims.email)) ?? {};
    const events = await allAuditOf(id);
    expect(events.map(({ action, metadata }: any) => [action, metadata.provider])).toEqual([
      ["user.created", "idp"],
      ["identity.linked", "idp"],
      ["auth.login_succeeded", "idp"],
    ]);
    expect(JSON.stringify(events)).not.toContain(claims.sub);
  });

  it("logs in to the same account the next time, with whatever address the provider names then", async () => {
    const claims = newPerson();
    const first = await logInWith(box, fake, { claims });
    const changed = { ...claims, email: newEmail(), email_verified: false };
    const second = await logInWith(box, fake, { claims: changed });
    const [one, other] = [first, second].map(({ body }) => decodeJwt(body.access_token).sub);
    expect(one).toBe(other);
    const { body } = await send("/v1/auth/identities", {
      bindings,
      token: second.body.access_token,
    });
    expect(body.data).toMatchObject([
      { provider: "idp", subject: claims.sub, email: changed.email },
    ]);
    expect(body.data[0].last_used_at).not.toBeNull();
    expect(await userBy(changed.email)).toBeUndefined();
  });

  it.each([
    ["is unverified", { email_verified: false }],
    ["has no verification", { email_verified: undefined }],
    ["is missing", { email: undefined }],
    ["is none", { email: "not an address" }],
    ["has a full-width @", { email: "victim＠example.com" }],
    ["has the Kelvin sign", { email: "\u212Aelvin@example.com" }],
    ["has a zero-width space", { email: "ada\u200B@example.com" }],
    ["has two @", { email: "ada@evil.example@example.com" }],
  ])("is refused if their address %s, and nothing is created", async (_, claims) => {
    const before = await countUsers();
    const person = newPerson(claims);
    fake.userinfo = { sub: person.sub };
    const answer = await logInWith(box, fake, { claims: person });
    expectProblem(answer, 403, "email_not_verified");
    expect(await countUsers()).toBe(before);
  });

  it("is refused while registration is closed", async () => {
    const closed = createProviderBox({ REGISTRATION: "closed" });
    const claims = newPerson();
    expectProblem(await logInWith(closed, fake, { claims }), 403, "registration_closed");
    expect(await userBy(claims.email)).toBeUndefined();
  });

  it("must confirm the address if the provider is not trusted with addresses", async () => {
    const claims = newPerson();
    const answer = await logInWith(box, fake, {
      provider: "microsoft",
      claims: { ...claims, xms_edov: true },
    });
    expect(answer.status, answer.text).toBe(200);
    expect((await userBy(claims.email))?.email_verified).toBe(0);
    expect(box.subjectsTo(claims.email)).toContain("Confirm your email address");
  });

  it("gets another username if theirs is taken", async () => {
    const taken = await createVerifiedMailUser(box);
    const email = `${taken.username}@other.example`;
    expect((await logInWith(box, fake, { claims: newPerson({ email }) })).status).toBe(200);
    expect((await userBy(email))?.username).toMatch(new RegExp(`^${taken.username}-\\d{4,8}$`));
  });

  it.each([
    [
      "the name, if the local part is too short",
      { email: "a1@short.example", name: "Grace Hopper" },
      /^Grace\.Hopper$/,
    ],
    [
      "the local part without what follows a plus sign",
      { email: "linus+news@plus.example" },
      /^linus$/,
    ],
    [
      "letters only, of an address with other characters",
      { email: "o'hara!x@quote.example" },
      /^oharax$/,
    ],
    [
      "a general one, if there is nothing else",
      { email: "b2@short.example", name: "李" },
      /^user(-\d+)?$/,
    ],
  ])("gets a username from %s", async (_, claims, username) => {
    expect((await logInWith(box, fake, { claims: newPerson(claims) })).status).toBe(200);
    expect((await userBy(claims.email))?.username).toMatch(username);
  });

  it("gets one account and one identity from twenty first logins in parallel", async () => {
    const claims = newPerson();
    const before = await countUsers();
    const codes = [];
    for (let i = 0; i < 20; i += 1) codes.push(await reachCode(box, fake, { claims }));
    const answers = await Promise.all(codes.map((code) => sendExchange(code, { bindings })));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => decodeJwt(body.access_token).sub)).size).toBe(1);
    expect(await countUsers()).toBe(before + 1);
    const { id = "" } = (await userBy(claims.email)) ?? {};
    expect(await identitiesOf(id)).toHaveLength(1);
    expect((await actionsOn(id)).filter((action) => action === "user.created")).toHaveLength(1);
  });

  it("whose username is taken meanwhile gets another one", async () => {
    const claims = newPerson();
    const username = claims.email.split("@")[0];
    const other = newPerson({ email: `${username}@first.example` });
    const late = beforeStatement(
      /^insert into "users"/,
      async () => logInWith(box, fake, { claims: other }),
      bindings,
    );
    const code = await reachCode(box, fake, { claims });
    expect((await sendExchange(code, { bindings: late })).status).toBe(200);
    expect((await userBy(other.email))?.username).toBe(username);
    expect((await userBy(claims.email))?.username).toMatch(new RegExp(`^${username}-\\d+$`));
  });
});
