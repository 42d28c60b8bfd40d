import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import { actionsOn, newEmail, sqlAll, sqlRun, type TestUser } from "../support/fixtures.ts";
import { linkIdentity } from "../support/identities.ts";
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
import { age, refusalOf, refusedFor } from "../support/step-up.ts";

const box = createProviderBox();
const { bindings } = box;
let fake: Fake;
let user: TestUser;

beforeEach(async () => {
  fake = await fakeProviders();
  user = await createVerifiedMailUser(box);
});

const identitiesOf = ({ id }: { id: string }) =>
  sqlAll("SELECT subject FROM identities WHERE user_id = ?", id);

const link = (token: string, claims: object) =>
  logInWith(box, fake, { intent: "link", token, claims: { ...claims } });

const unlink = (token: string, id: string, on = bindings) =>
  send(`/v1/auth/identities/${id}`, { method: "DELETE", token, bindings: on });

const list = (token: string, query = "") =>
  send(`/v1/auth/identities${query}`, { token, bindings });

describe("linking an account at a provider", () => {
  it("answers with the identity, is recorded, and the owner is told", async () => {
    const claims = newPerson();
    const { status, body } = await link(user.token, claims);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: expect.any(String),
      provider: "idp",
      subject: claims.sub,
      email: claims.email,
      created_at: expect.any(String),
      last_used_at: null,
    });
    expect((await list(user.token)).body.data).toEqual([body]);
    expect(await actionsOn(user.id)).toContain("identity.linked");
    expect(box.subjectsTo(user.email)).toContain("Login provider linked to your account");
    expect(box.to(claims.email)).toEqual([]);
  });

  it("lets its person log in from then on", async () => {
    const claims = newPerson({ email: undefined });
    fake.userinfo = { sub: claims.sub };
    expect((await link(user.token, claims)).status).toBe(200);
    const { body } = await logInWith(box, fake, { claims });
    const me = await send("/v1/auth/me", { token: body.access_token, bindings });
    expect(me.body.user.id).toBe(user.id);
  });

  it("takes effect at the exchange, not in the callback", async () => {
    const { token } = user;
    await reachCode(box, fake, { intent: "link", token, claims: newPerson() });
    expect(await identitiesOf(user)).toEqual([]);
  });

  it("needs the session that began it, and leaves the code to it", async () => {
    const claims = newPerson();
    const code = await reachCode(box, fake, { intent: "link", token: user.token, claims });
    expectProblem(await sendExchange(code, { bindings }), 401, "unauthenticated");
    const other = await createVerifiedMailUser(box);
    const foreign = await sendExchange(code, { bindings, token: other.token });
    expectProblem(foreign, 403, "forbidden");
    const login = await send("/v1/auth/login", {
      bindings,
      body: { username: user.username, password: "SecurePass123!" },
    });
    const own = await sendExchange(code, { bindings, token: login.body.access_token });
    expectProblem(own, 403, "forbidden");
    expect((await sendExchange(code, { bindings, token: user.token })).status).toBe(200);
    expect(await identitiesOf(other)).toEqual([]);
    expectProblem(await sendExchange(code, { bindings, token: user.token }), 400, "invalid_code");
  });

  it("is refused once the session has ended", async () => {
    const { token } = user;
    const code = await reachCode(box, fake, { intent: "link", token, claims: newPerson() });
    await send("/v1/auth/logout", { method: "POST", token, bindings });
    expectProblem(await sendExchange(code, { bindings, token }), 401, "unauthenticated");
    expect(await identitiesOf(user)).toEqual([]);
  });

  it("is refused if the account at the provider is that of another person", async () => {
    const claims = newPerson();
    await logInWith(box, fake, { claims });
    expectProblem(await link(user.token, claims), 409, "identity_taken");
  });

  it("is refused if it becomes that of another person meanwhile", async () => {
    const claims = newPerson();
    const code = await reachCode(box, fake, { intent: "link", token: user.token, claims });
    const late = beforeStatement(
      /^insert into "identities"/,
      () => logInWith(box, fake, { claims }),
      bindings,
    );
    const answer = await sendExchange(code, { bindings: late, token: user.token });
    expectProblem(answer, 409, "identity_taken");
  });

  it("of one that is linked already changes nothing", async () => {
    const claims = newPerson();
    const { body } = await link(user.token, claims);
    const again = await link(user.token, claims);
    expect([again.status, again.body]).toEqual([200, body]);
    expect(await identitiesOf(user)).toHaveLength(1);
    expect(await actionsOn(user.id)).toEqual(expect.arrayContaining(["identity.linked"]));
  });

  it("uses the code up in parallel requests once", async () => {
    const { token } = user;
    const code = await reachCode(box, fake, { intent: "link", token, claims: newPerson() });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => sendExchange(code, { bindings, token })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await identitiesOf(user)).toHaveLength(1);
    expect((await actionsOn(user.id)).filter((one) => one === "identity.linked")).toHaveLength(1);
  });

  it("is limited to twenty", async () => {
    for (let i = 0; i < 20; i += 1) await linkIdentity(user.id);
    expectProblem(await link(user.token, newPerson()), 409, "identity_limit");
  });

  it("needs neither the address of the account nor one that is verified", async () => {
    const claims = newPerson({ email: "someone@elsewhere.example", email_verified: false });
    expect((await link(user.token, claims)).status).toBe(200);
    const me = await send("/v1/users/me", { token: user.token, bindings });
    expect(me.body.email).toBe(user.email);
  });

  it("leaves out an address that is longer than any", async () => {
    const email = `${"a".repeat(243)}@example.com`;
    const { body } = await link(user.token, newPerson({ email, email_verified: true }));
    expect(body.email).toBeNull();
    expect((await list(user.token)).body.data[0].email).toBeNull();
  });
});

describe("GET /v1/auth/identities", () => {
  it("lists one's own, the newest first, in pages that nobody else can use", async () => {
    for (let i = 0; i < 3; i += 1) await linkIdentity(user.id);
    const { body } = await list(user.token, "?limit=2&skip=0");
    expect(body.pagination).toMatchObject({ limit: 2, has_more: true, total: 3 });
    const ids = body.data.map(({ id }: { id: string }) => id);
    expect(ids).toEqual([...ids].sort().reverse());
    const first = (await list(user.token, "?limit=2")).body.pagination.next_cursor;
    const rest = (await list(user.token, `?limit=2&cursor=${first}`)).body;
    expect(rest.data).toHaveLength(1);
    expect(ids).not.toContain(rest.data[0].id);
    const other = await createVerifiedMailUser(box);
    expectProblem(await list(other.token, `?cursor=${first}`), 422, "validation_failed");
    expect((await list(other.token)).body.data).toEqual([]);
  });
});

describe("DELETE /v1/auth/identities/{id}", () => {
  it("unlinks, is recorded, and the owner is told; the account at the provider is a stranger's then", async () => {
    const claims = newPerson({ email: newEmail() });
    const { body } = await link(user.token, claims);
    expect((await unlink(user.token, body.id)).status).toBe(204);
    expect(await identitiesOf(user)).toEqual([]);
    expect(await actionsOn(user.id)).toContain("identity.unlinked");
    const mail = box.to(user.email).at(-1);
    expect([mail?.subject, mail?.text.includes("“idp”")]).toEqual([
      "Login provider removed from your account",
      true,
    ]);
    expectProblem(await unlink(user.token, body.id), 404, "identity_not_found");
    const login = await logInWith(box, fake, { claims });
    const me = await send("/v1/auth/me", { token: login.body.access_token, bindings });
    expect(me.body.user.id).not.toBe(user.id);
  });

  it("does not keep a trusted provider out that names the address of the account", async () => {
    const claims = newPerson({ email: user.email, email_verified: true });
    const { body } = await link(user.token, claims);
    expect((await unlink(user.token, body.id)).status).toBe(204);
    expect((await logInWith(box, fake, { claims })).status).toBe(200);
    expect(await identitiesOf(user)).toHaveLength(1);
  });

  it("keeps the only way to log in", async () => {
    const { body } = await logInWith(box, fake, { claims: newPerson() });
    const { data } = (await list(body.access_token)).body;
    expectProblem(await unlink(body.access_token, data[0].id), 409, "last_login_method");
  });

  it("keeps one of two that are removed at the same time", async () => {
    const login = await logInWith(box, fake, { claims: newPerson() });
    const token: string = login.body.access_token;
    const second = await link(token, newPerson());
    const { data } = (await list(token)).body;
    const late = beforeStatement(
      /^delete from "identities"/,
      async () => expect((await unlink(token, second.body.id)).status).toBe(204),
      bindings,
    );
    expectProblem(await unlink(token, data[1].id, late), 409, "last_login_method");
    expect((await list(token)).body.data).toHaveLength(1);
  });

  it("needs a recent authentication, and finds nobody else's", async () => {
    const id = await linkIdentity(user.id);
    const other = await createVerifiedMailUser(box);
    await linkIdentity(other.id);
    expectProblem(await unlink(other.token, id), 404, "identity_not_found");
    expect(await identitiesOf(other)).toHaveLength(1);
    await age(user);
    expect(refusalOf(await unlink(user.token, id))).toEqual(refusedFor("aal1"));
    expect(await identitiesOf(user)).toHaveLength(1);
  });

  it("does not count a password that was removed", async () => {
    const id = await linkIdentity(user.id);
    await sqlRun("UPDATE users SET password_hash = NULL WHERE id = ?", user.id);
    expectProblem(await unlink(user.token, id), 409, "last_login_method");
  });
});
