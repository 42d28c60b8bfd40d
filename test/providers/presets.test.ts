import { describe, expect, it } from "vitest";
import { createIsolate } from "../support/isolates.ts";
import { redeemLogin, sendStart } from "../support/provider-redemption.ts";
import {
  ENTRIES,
  fakeProviders,
  OTHER_TENANT,
  providerSettings,
  TENANT,
} from "../support/providers.ts";

const MICROSOFT = "https://login.microsoftonline.com";
const CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad";

describe("Google", () => {
  it("is found by its metadata, and people by their number", async () => {
    const fake = await fakeProviders();
    expect(await redeemLogin(fake, "google")).toMatchObject({
      issuer: "https://accounts.google.com",
      subject: "110169484474386276334",
      email: "ada@example.com",
      isEmailVerified: true,
      name: "Ada Lovelace",
    });
  });

  it("is refused with the issuer without https that its old tokens had", async () => {
    const fake = await fakeProviders();
    const claims = { iss: "accounts.google.com" };
    await expect(redeemLogin(fake, "google", { claims })).rejects.toMatchObject({
      error: "server_error",
    });
  });
});

describe("GitHub", () => {
  it("identifies people by the number of their account", async () => {
    const fake = await fakeProviders();
    expect(await redeemLogin(fake, "github")).toEqual({
      issuer: "https://github.com",
      subject: "583231",
      email: "ada@example.com",
      isEmailVerified: true,
      name: "Ada Lovelace",
    });
    expect(fake.requests).toEqual([
      "POST https://github.com/login/oauth/access_token",
      "GET https://api.github.com/user",
      "GET https://api.github.com/user/emails?per_page=100",
    ]);
  });

  it("gets the challenge and the state, but neither a nonce nor max_age", async () => {
    await fakeProviders();
    const { body } = await sendStart("github", { body: { login_hint: "ada" } });
    const { searchParams, origin, pathname } = new URL(body.authorization_url);
    expect(origin + pathname).toBe("https://github.com/login/oauth/authorize");
    expect(Object.fromEntries(searchParams)).toEqual({
      response_type: "code",
      client_id: ENTRIES.github.client_id,
      redirect_uri: "https://roster.test/v1/auth/providers/github/callback",
      scope: "user:email",
      state: expect.any(String),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
      login: "ada",
    });
  });

  it.each([
    ["it is not verified", { email: "ada@example.com", primary: true, verified: false }],
    ["it is not the primary one", { email: "ada@example.com", primary: false, verified: true }],
  ])("does not vouch for an address if %s", async (_, email) => {
    const fake = await fakeProviders();
    fake.github.emails = [email];
    const identity = await redeemLogin(fake, "github");
    expect(identity).toMatchObject({ subject: "583231", isEmailVerified: false });
    expect(identity.email).toBeUndefined();
  });

  it("names people without a name by their login", async () => {
    const fake = await fakeProviders();
    fake.github.user = { id: 583231, login: "ada", name: null };
    expect(await redeemLogin(fake, "github")).toMatchObject({ name: "ada" });
  });

  it.each([
    ["with its issuer", "https://github.com/login/oauth"],
    ["as GitHub Enterprise Server does, without one", undefined],
  ])("may answer %s", async (_, iss) => {
    const fake = await fakeProviders();
    const change = (callback: URLSearchParams) => {
      if (iss) callback.set("iss", iss);
      else callback.delete("iss");
    };
    expect(await redeemLogin(fake, "github", { change })).toMatchObject({ subject: "583231" });
  });

  it("is refused with another issuer", async () => {
    const fake = await fakeProviders();
    const change = (callback: URLSearchParams) => callback.set("iss", "https://idp.example");
    await expect(redeemLogin(fake, "github", { change })).rejects.toMatchObject({
      error: "server_error",
    });
  });

  it.each([
    ["an error with status 200", Response.json({ error: "bad_verification_code" })],
    ["another type of token", Response.json({ access_token: "a", token_type: "mac" })],
  ])("is refused if its token endpoint answers %s", async (_, response) => {
    const fake = await fakeProviders();
    fake.overrides.set("https://github.com/login/oauth/access_token", () => response);
    await expect(redeemLogin(fake, "github")).rejects.toMatchObject({ error: "server_error" });
  });

  it.each([
    ["no id", { login: "ada" }],
    ["an id that is a text", { id: "583231", login: "ada" }],
    ["an id that is not a whole number", { id: 1.5, login: "ada" }],
  ])("is refused if the account has %s", async (_, user) => {
    const fake = await fakeProviders();
    fake.github.user = user;
    await expect(redeemLogin(fake, "github")).rejects.toMatchObject({
      error: "server_error",
      reason: "garbage",
    });
  });

  it("is refused if its API does not accept the token", async () => {
    const fake = await fakeProviders();
    fake.overrides.set("https://api.github.com/user/emails?per_page=100", () =>
      Response.json({ message: "Not Found" }, { status: 404 }),
    );
    await expect(redeemLogin(fake, "github")).rejects.toMatchObject({ error: "server_error" });
  });

  it("asks the API of the server in base_url, in development", async () => {
    const fake = await fakeProviders();
    const base = "http://localhost:9999";
    const settings = providerSettings({ github: { base_url: base } });
    const { body } = await sendStart("github", { bindings: createIsolate(settings) });
    expect(body.authorization_url).toMatch(/^http:\/\/localhost:9999\/login\/oauth\/authorize\?/);
    expect(fake.requests).toEqual([]);
  });
});

describe("Microsoft", () => {
  const issuerOf = (tenant: string) => `${MICROSOFT}/${tenant}/v2.0`;
  const claimsOf = (tenant: string) => ({ iss: issuerOf(tenant), tid: tenant });
  const only = (tenant: string) => createIsolate(providerSettings({ microsoft: { tenant } }));

  /** Serves the metadata of one tenant or of all organisations. */
  async function fakeTenant(tenant: string) {
    const fake = await fakeProviders();
    const issuer = tenant === "organizations" ? issuerOf("{tenantid}") : issuerOf(tenant);
    fake.overrides.set(`${issuerOf(tenant)}/.well-known/openid-configuration`, () =>
      Response.json({ ...fake.metadata.microsoft, issuer }),
    );
    return fake;
  }

  it("accepts people of any tenant, each with the issuer of theirs", async () => {
    const fake = await fakeProviders();
    expect(await redeemLogin(fake, "microsoft")).toMatchObject({ issuer: issuerOf(TENANT) });
    const other = await redeemLogin(fake, "microsoft", { claims: claimsOf(OTHER_TENANT) });
    expect(other).toMatchObject({ issuer: issuerOf(OTHER_TENANT) });
  });

  it.each([
    ["the issuer of another tenant than its tid", { iss: issuerOf(OTHER_TENANT) }],
    ["the issuer of the pattern", { iss: issuerOf("{tenantid}") }],
    ["a tid that is not an id", { iss: issuerOf("common"), tid: "common" }],
    ["a tid with a path", { iss: `${MICROSOFT}/x/../y/v2.0`, tid: "x/../y" }],
    ["no tid", { tid: undefined }],
    ["the issuer of another provider", { iss: "https://evil.example" }],
  ])("is refused with %s", async (_, claims) => {
    const fake = await fakeProviders();
    await expect(redeemLogin(fake, "microsoft", { claims })).rejects.toMatchObject({
      error: "server_error",
    });
  });

  it("is refused with a key of another tenant", async () => {
    const fake = await fakeProviders();
    fake.keys = fake.keys.map((key) => ({ ...key, issuer: issuerOf(OTHER_TENANT) }));
    await expect(redeemLogin(fake, "microsoft")).rejects.toMatchObject({
      reason: "key_of_another_issuer",
    });
  });

  it.each([issuerOf("{tenantid}"), issuerOf(TENANT)])("accepts a key of %s", async (issuer) => {
    const fake = await fakeProviders();
    fake.keys = fake.keys.map((key) => ({ ...key, issuer }));
    expect(await redeemLogin(fake, "microsoft")).toMatchObject({ issuer: issuerOf(TENANT) });
  });

  it.each([
    [undefined, false],
    [false, false],
    ["0", false],
    [true, true],
    [1, true],
    ["1", true],
    ["true", true],
  ])("of many tenants vouches for an address with xms_edov %j: %s", async (edov, expected) => {
    const fake = await fakeProviders();
    const claims = { xms_edov: edov, email_verified: true };
    expect(await redeemLogin(fake, "microsoft", { claims })).toMatchObject({
      email: "ada@example.com",
      isEmailVerified: expected,
    });
  });

  it("of one tenant accepts its people only, and vouches for their addresses", async () => {
    const fake = await fakeTenant(TENANT);
    const bindings = only(TENANT.toUpperCase());
    expect(await redeemLogin(fake, "microsoft", { bindings })).toMatchObject({
      issuer: issuerOf(TENANT),
      isEmailVerified: true,
    });
    const claims = claimsOf(OTHER_TENANT);
    await expect(redeemLogin(fake, "microsoft", { bindings, claims })).rejects.toMatchObject({
      error: "server_error",
    });
  });

  it("of organisations refuses personal accounts", async () => {
    const fake = await fakeTenant("organizations");
    const bindings = only("organizations");
    expect(await redeemLogin(fake, "microsoft", { bindings })).toMatchObject({
      issuer: issuerOf(TENANT),
    });
    const claims = claimsOf(CONSUMERS);
    await expect(redeemLogin(fake, "microsoft", { bindings, claims })).rejects.toMatchObject({
      reason: "unexpected_tenant",
    });
  });

  it("does not vouch for addresses of personal accounts", async () => {
    const fake = await fakeTenant(CONSUMERS);
    const claims = claimsOf(CONSUMERS);
    const bindings = only("consumers");
    expect(await redeemLogin(fake, "microsoft", { bindings, claims })).toMatchObject({
      issuer: issuerOf(CONSUMERS),
      isEmailVerified: false,
    });
  });
});

describe("Apple", () => {
  it("sends the callback as a form, and gets a secret that the key signed", async () => {
    const fake = await fakeProviders();
    const { body } = await sendStart("apple");
    const { searchParams } = new URL(body.authorization_url);
    expect(searchParams.get("response_mode")).toBe("form_post");
    expect(searchParams.get("scope")).toBe("name email");
    // The fake verifies the secret.
    expect(await redeemLogin(fake, "apple")).toMatchObject({
      issuer: "https://appleid.apple.com",
      email: "ada@example.com",
      isEmailVerified: true,
    });
  });

  it("sends the name once, beside the code", async () => {
    const fake = await fakeProviders();
    const user = {
      name: { firstName: "Ada", lastName: "Lovelace" },
      email: "eve@example.com",
    };
    const change = (callback: URLSearchParams) => callback.set("user", JSON.stringify(user));
    expect(await redeemLogin(fake, "apple", { change })).toMatchObject({
      name: "Ada Lovelace",
      email: "ada@example.com",
    });
    expect((await redeemLogin(fake, "apple")).name).toBeUndefined();
  });

  it.each([
    "{",
    "null",
    "[]",
    '"Ada"',
    '{"name":7}',
    '{"name":{"firstName":{}}}',
    "x".repeat(5000),
  ])("is not disturbed by a malformed name: %s", async (user) => {
    const fake = await fakeProviders();
    const change = (callback: URLSearchParams) => callback.set("user", user);
    const identity = await redeemLogin(fake, "apple", { change });
    expect(identity).toMatchObject({ email: "ada@example.com" });
    expect(identity.name).toBeUndefined();
  });

  it("alone sends a name so: that of other providers is signed", async () => {
    const fake = await fakeProviders();
    const user = JSON.stringify({ name: { firstName: "Eve" } });
    const change = (callback: URLSearchParams) => callback.set("user", user);
    const claims = { name: undefined };
    expect((await redeemLogin(fake, "google", { change, claims })).name).toBeUndefined();
  });

  it("does not vouch for an address with email_verified as the text false", async () => {
    const fake = await fakeProviders();
    const claims = { email_verified: "false" };
    expect(await redeemLogin(fake, "apple", { claims })).toMatchObject({ isEmailVerified: false });
  });
});
