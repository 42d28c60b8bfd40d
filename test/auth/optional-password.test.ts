import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { beforeStatement } from "../support/d1.ts";
import { createLoginMailbox, emailLoginOf } from "../support/email-login.ts";
import {
  ALL_REFUSED,
  auditOf,
  createTestUser,
  logIn,
  newEmail,
  PASSWORD,
  sqlRun,
  statusesOf,
  type TestUser,
} from "../support/fixtures.ts";
import { linkIdentity } from "../support/identities.ts";
import { createIsolate } from "../support/isolates.ts";
import { createVerifiedMailUser, flowsOf, type Mailbox } from "../support/mail.ts";
import { addPasskey, createPasskeyUser, passkeyLogin } from "../support/passkeys.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import { providerSettings } from "../support/providers.ts";

const NEW = "another pass phrase";

const WITH_PROVIDERS = { bindings: createIsolate(providerSettings()) };

type Options = Parameters<typeof send>[1];

const set = (token: string, new_password: unknown = NEW, options: Options = {}) =>
  send("/v1/auth/password", { method: "PUT", token, body: { new_password }, ...options });
const remove = (token: string, options: Options = {}) =>
  send("/v1/auth/password", { method: "DELETE", token, ...options });
const has = async ({ token }: { token: string }) =>
  (await send("/v1/users/me", { token })).body.has_password;

/** A user who can log in by email only, with the token of such a login. */
async function createPasswordless(box: Mailbox): Promise<TestUser> {
  const user = await createVerifiedMailUser(box);
  await sqlRun("UPDATE users SET password_hash = NULL WHERE id = ?", user.id);
  await emailLoginOf(box).request(user.email);
  const { body } = await emailLoginOf(box).byLink(box.tokenTo(user.email));
  return { ...user, token: body.access_token, refreshToken: body.refresh_token };
}

describe("DELETE /v1/auth/password", () => {
  it("returns 204: the password no longer works, other sessions end, and the owner is told", async () => {
    const box = createLoginMailbox();
    const user = await createVerifiedMailUser(box);
    const other = await logIn(user.username);
    const answer = await remove(user.token, { bindings: box.bindings });
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    expect(await has(user)).toBe(false);
    expectProblem(await flowsOf(box).logIn(user.username), 401, "invalid_credentials");
    expect(await statusesOf(other)).toEqual(ALL_REFUSED);
    expect(box.subjectsTo(user.email).at(-1)).toBe("The password of your account was removed");
    const [event] = (await auditOf(user.id)).slice(-2) as unknown as { metadata: object }[];
    expect(event).toMatchObject({
      action: "password.changed",
      metadata: { reason: "password_removed" },
    });
    await emailLoginOf(box).request(user.email);
    expect((await emailLoginOf(box).byLink(box.tokenTo(user.email))).status).toBe(200);
  });

  it("returns 204 and records nothing for someone without a password", async () => {
    const box = createLoginMailbox();
    const user = await createPasswordless(box);
    const before = await auditOf(user.id);
    expect((await remove(user.token, { bindings: box.bindings })).status).toBe(204);
    expect(await auditOf(user.id)).toEqual(before);
  });

  it("leaves a reset, also where login by email was switched off since", async () => {
    const box = createLoginMailbox();
    const user = await createVerifiedMailUser(box);
    expect((await remove(user.token, { bindings: box.bindings })).status).toBe(204);
    const off = createLoginMailbox({ EMAIL_LOGIN: "off" });
    await flowsOf(off).forgot(user.email);
    expect((await flowsOf(off).reset(off.tokenTo(user.email), NEW)).status).toBe(204);
    expect((await flowsOf(off).logIn(user.username, NEW)).status).toBe(200);
  });

  it("voids pending links: a reset and a change of email", async () => {
    const box = createLoginMailbox();
    const user = await createVerifiedMailUser(box);
    const { forgot, reset, changeEmail, verify } = flowsOf(box);
    await forgot(user.email);
    const resetToken = box.tokenTo(user.email);
    const next = newEmail();
    await changeEmail(user.token, next);
    expect((await remove(user.token, { bindings: box.bindings })).status).toBe(204);
    expectProblem(await reset(resetToken, NEW), 400, "invalid_token");
    expectProblem(await verify(box.tokenTo(next)), 400, "invalid_token");
  });

  it("is refused where it is the last way to log in", async () => {
    const box = createLoginMailbox();
    const unverified = await createTestUser();
    const refused = await remove(unverified.token, { bindings: box.bindings });
    expectProblem(refused, 409, "last_login_method");
    const verified = await createVerifiedMailUser(box);
    expectProblem(await remove(verified.token), 409, "last_login_method");
    expect([await has(unverified), await has(verified)]).toEqual([true, true]);
  });

  it("is allowed with a passkey or an identity", async () => {
    const { token, authenticator } = await createPasskeyUser();
    expect((await remove(token)).status).toBe(204);
    expect((await passkeyLogin(authenticator)).status).toBe(200);
    const linked = await createTestUser();
    await linkIdentity(linked.id, "s-1", "https://idp.example", "idp");
    expect((await remove(linked.token, WITH_PROVIDERS)).status).toBe(204);
  });

  it("is refused with an identity at a provider that the settings no longer have", async () => {
    const user = await createTestUser();
    await linkIdentity(user.id, "s-2", "https://former.example", "former");
    await linkIdentity(user.id, "s-3", "https://former.example", "oidc_id");
    expectProblem(await remove(user.token, WITH_PROVIDERS), 409, "last_login_method");
    expectProblem(await remove(user.token), 409, "last_login_method");
  });

  it("is refused with a passkey that cannot be used alone", async () => {
    const user = await createTestUser();
    const { authenticator } = await addPasskey(user, createAuthenticator(), {
      isUserVerified: false,
    });
    expectProblem(await passkeyLogin(authenticator), 401, "invalid_credentials");
    expectProblem(await remove(user.token), 409, "last_login_method");
  });

  it("is refused with a passkey where the service takes none", async () => {
    const { token } = await createPasskeyUser();
    const issuer = { JWT_ISSUER: "https://roster.test" };
    const bindings = createIsolate({ APP_URL: "http://127.0.0.1:8787", ...issuer });
    const { status, body } = await remove(token, { bindings });
    expect([status, body.code]).toEqual([409, "last_login_method"]);
  });

  it("is refused if the other way is removed meanwhile, and in parallel one way remains", async () => {
    const user = await createTestUser();
    await linkIdentity(user.id, "s-4", "https://idp.example", "idp");
    const unlinked = "DELETE FROM identities WHERE user_id = ?";
    const bindings = beforeStatement(
      /^update "users" set "password_hash"/m,
      () => sqlRun(unlinked, user.id),
      WITH_PROVIDERS.bindings,
    );
    expectProblem(await remove(user.token, { bindings }), 409, "last_login_method");
    const second = await createTestUser();
    const { factor } = await addPasskey(second);
    const answers = await Promise.all([
      remove(second.token),
      send(`/v1/auth/factors/${factor.id}`, { method: "DELETE", token: second.token }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([204, 409]);
  });
});

describe("PUT /v1/auth/password", () => {
  it("returns 204: the password works, other sessions end, and the owner is told", async () => {
    const box = createLoginMailbox();
    const { bindings } = box;
    const user = await createPasswordless(box);
    const before = user.refreshToken;
    expect((await set(user.token, NEW, { bindings })).status).toBe(204);
    expect(await has(user)).toBe(true);
    expect((await flowsOf(box).logIn(user.username, NEW)).status).toBe(200);
    expect(box.subjectsTo(user.email)).toContain("A password was set for your account");
    const refresh = await send("/v1/auth/refresh", { body: { refresh_token: before }, bindings });
    expect(refresh.status).toBe(200);
    const metadata = (await auditOf(user.id)).map((event) => Reflect.get(event, "metadata"));
    expect(metadata).toContainEqual({ reason: "password_set" });
  });

  it("is refused for someone who has a password", async () => {
    const user = await createTestUser();
    expectProblem(await set(user.token), 409, "password_exists");
    expect((await logIn(user.username, PASSWORD)).token).toBeDefined();
  });

  it("sets one password for 10 parallel requests", async () => {
    const box = createLoginMailbox();
    const { bindings } = box;
    const user = await createPasswordless(box);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => set(user.token, `parallel phrase ${i}`, { bindings })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([204, ...Array(9).fill(409)]);
    const winner = `parallel phrase ${statuses.indexOf(204)}`;
    expect((await flowsOf(box).logIn(user.username, winner)).status).toBe(200);
  });

  it("follows the rules of passwords", async () => {
    const box = createLoginMailbox();
    const { bindings } = box;
    const user = await createPasswordless(box);
    const short = await set(user.token, "short", { bindings });
    expect(faultsOf(short)).toEqual(["new_password too_short"]);
    expect(faultsOf(await set(user.token, undefined, { bindings, body: {} }))).toEqual([
      "new_password required",
    ]);
    expect(await has(user)).toBe(false);
  });
});

describe("POST /v1/auth/email/change of someone without a password", () => {
  it("needs no current_password, and ignores one", async () => {
    const box = createLoginMailbox();
    const { bindings } = box;
    const user = await createPasswordless(box);
    const email = newEmail();
    const body = { email };
    const change = { token: user.token, bindings };
    expect((await send("/v1/auth/email/change", { ...change, body })).status).toBe(202);
    expect((await flowsOf(box).verify(box.tokenTo(email))).body.email).toBe(email);
    const again = { email: newEmail(), current_password: "whatever" };
    const { token } = await afterChange(box, email);
    const answer = await send("/v1/auth/email/change", { token, bindings, body: again });
    expect(answer.status).toBe(202);
  });

  it("is refused if a password is set meanwhile", async () => {
    const box = createLoginMailbox();
    const user = await createPasswordless(box);
    const change = beforeStatement(
      /^insert into "mail_outbox"/m,
      () => sqlRun("UPDATE users SET password_hash = 'x' WHERE id = ?", user.id),
      box.bindings,
    );
    const body = { email: newEmail() };
    const answer = await send("/v1/auth/email/change", {
      token: user.token,
      bindings: change,
      body,
    });
    expectProblem(answer, 401, "unauthenticated");
  });

  it("asks those who have a password for it, together with all other faults", async () => {
    const { token } = await createTestUser();
    const post = (body: object) => send("/v1/auth/email/change", { token, body });
    expect(faultsOf(await post({ email: newEmail() }))).toEqual(["current_password required"]);
    expect(faultsOf(await post({ email: "nope", current_password: 1 }))).toEqual([
      "current_password invalid_type",
      "email invalid_format",
    ]);
  });

  async function afterChange(box: Mailbox, email: string) {
    await emailLoginOf(box).request(email);
    const { body } = await emailLoginOf(box).byLink(box.tokenTo(email));
    return { token: body.access_token as string };
  }
});
