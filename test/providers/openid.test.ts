import { base64url, exportJWK, generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { redeemLogin } from "../support/provider-redemption.ts";
import {
  type Deviation,
  ENTRIES,
  fakeProviders,
  KEY_ID,
  providerSettings,
} from "../support/providers.ts";

const ISSUER = ENTRIES.idp.issuer;
const CLIENT_ID = ENTRIES.idp.client_id;
const seconds = () => Math.floor(Date.now() / 1000);

const encode = (value: object) => base64url.encode(JSON.stringify(value));

describe("a login with an OpenID provider", () => {
  it("finds who the ID token is about", async () => {
    const fake = await fakeProviders();
    const authTime = seconds() - 60;
    expect(await redeemLogin(fake, "idp", { claims: { auth_time: authTime } })).toEqual({
      issuer: ISSUER,
      subject: "ada-1",
      email: "ada@example.com",
      isEmailVerified: true,
      name: "Ada Lovelace",
      authenticatedAt: authTime * 1000,
    });
  });

  it.each([
    [false, false],
    ["false", false],
    [undefined, false],
    [1, false],
    ["true", true],
    [true, true],
  ])("knows that the address is verified if email_verified is %j: %s", async (claim, expected) => {
    const fake = await fakeProviders();
    const identity = await redeemLogin(fake, "idp", { claims: { email_verified: claim } });
    expect(identity).toMatchObject({ email: "ada@example.com", isEmailVerified: expected });
  });

  it("does without an address and a name", async () => {
    const fake = await fakeProviders();
    fake.userinfo = { sub: "ada-1" };
    const claims = { email: undefined, email_verified: true, name: undefined };
    const identity = await redeemLogin(fake, "idp", { claims });
    expect(identity).toMatchObject({ subject: "ada-1", isEmailVerified: false });
    expect([identity.email, identity.name]).toEqual([undefined, undefined]);
  });

  it("asks the userinfo endpoint for an address that the ID token does not have", async () => {
    const fake = await fakeProviders();
    fake.userinfo = {
      sub: "ada-1",
      email: "ada@example.com",
      email_verified: true,
      given_name: "Ada",
    };
    const claims = { email: undefined, email_verified: undefined, name: undefined };
    expect(await redeemLogin(fake, "idp", { claims })).toMatchObject({
      email: "ada@example.com",
      isEmailVerified: true,
      name: "Ada",
    });
  });

  it("takes an address and its verification from the same response", async () => {
    const fake = await fakeProviders();
    fake.userinfo = { sub: "ada-1", email: "ada@example.com" };
    const claims = { email: undefined, email_verified: true };
    expect(await redeemLogin(fake, "idp", { claims })).toMatchObject({ isEmailVerified: false });
  });

  it("refuses userinfo of another person", async () => {
    const fake = await fakeProviders();
    fake.userinfo = { sub: "eve-1", email: "ada@example.com", email_verified: true };
    await expect(redeemLogin(fake, "idp", { claims: { email: undefined } })).rejects.toMatchObject({
      error: "server_error",
    });
  });

  it("refuses userinfo as a JWT, whose signature nobody would check", async () => {
    const fake = await fakeProviders();
    const token = `${encode({ alg: "none" })}.${encode({ sub: "ada-1", email: "eve@example.com" })}.`;
    fake.overrides.set(`${ISSUER}/userinfo`, () => {
      return new Response(token, { headers: { "Content-Type": "application/jwt" } });
    });
    await expect(redeemLogin(fake, "idp", { claims: { email: undefined } })).rejects.toMatchObject({
      reason: "signed_userinfo",
    });
  });

  it("shortens a name that is too long", async () => {
    const fake = await fakeProviders();
    const identity = await redeemLogin(fake, "idp", { claims: { name: "A".repeat(1000) } });
    expect(identity.name).toBe("A".repeat(200));
  });

  it("sends the secret as client_secret_post where the metadata names it", async () => {
    const fake = await fakeProviders();
    const methods = ["client_secret_post"];
    fake.metadata.idp = { ...fake.metadata.idp, token_endpoint_auth_methods_supported: methods };
    // The fake of this provider expects client_secret_basic.
    await expect(redeemLogin(fake, "idp")).rejects.toMatchObject({ error: "server_error" });
  });
});

const OTHER = await generateKeyPair("RS256", { extractable: true });
const signOther = (header: object, claims: object) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: "RS256", ...header }).sign(OTHER.privateKey);

const signHmac = async (header: object, claims: object) => {
  const { n = "" } = await exportJWK(OTHER.publicKey);
  return new SignJWT({ ...claims })
    .setProtectedHeader({ ...header, alg: "HS256" })
    .sign(new TextEncoder().encode(n));
};

const unsigned = (alg: string) => async (header: object, claims: object) =>
  `${encode({ ...header, alg })}.${encode(claims)}.`;

const FORGERIES: Record<string, Deviation> = {
  "the issuer of another provider": { claims: { iss: "https://evil.example" } },
  "the issuer with a slash at the end": { claims: { iss: `${ISSUER}/` } },
  "no issuer": { claims: { iss: undefined } },
  "another audience": { claims: { aud: "another-client" } },
  "no audience": { claims: { aud: undefined } },
  "an audience among which Roster is not": { claims: { aud: ["one", "two"] } },
  "several audiences and no azp": { claims: { aud: [CLIENT_ID, "another-client"] } },
  "several audiences and another azp": {
    claims: { aud: [CLIENT_ID, "another-client"], azp: "another-client" },
  },
  "one audience and another azp": { claims: { azp: "another-client" } },
  "the nonce of another login": { claims: { nonce: "another-nonce" } },
  "no nonce": { claims: { nonce: undefined } },
  "an expiry in the past": { claims: { exp: seconds() - 3600 } },
  "an expiry of 0": { claims: { exp: 0 } },
  "an expiry as a text": { claims: { exp: String(seconds() + 600) } },
  "no expiry": { claims: { exp: undefined } },
  "no time of issue": { claims: { iat: undefined } },
  "a beginning in the future": { claims: { nbf: seconds() + 3600 } },
  "no subject": { claims: { sub: undefined } },
  "an empty subject": { claims: { sub: "" } },
  "a subject of 256 characters": { claims: { sub: "a".repeat(256) } },
  "a subject with a lone surrogate": { claims: { sub: "a\ud800" } },
  "a subject that is a number": { claims: { sub: 7 } },
  "an unknown kid": { header: { kid: "another-key" } },
  "the signature of another key": { sign: signOther },
  "the algorithm none": { sign: unsigned("none") },
  "the algorithm noNE": { sign: unsigned("noNE") },
  "the algorithm HS256": { sign: signHmac },
  "an unknown critical header": { header: { crit: ["exp"], exp: 1 } },
};

describe("an ID token is refused with", () => {
  it.each(Object.entries(FORGERIES))("%s", async (_, deviation) => {
    const fake = await fakeProviders();
    const logs = captureLogs();
    await expect(redeemLogin(fake, "idp", deviation)).rejects.toMatchObject({
      name: "ProviderFailure",
      error: "server_error",
    });
    expect(logs.of("provider.failed")).toMatchObject([
      { level: "warn", provider: "idp", result: "server_error", reason: expect.any(String) },
    ]);
    expect(fake.idTokens).toHaveLength(1);
    expect(logs.text()).not.toContain(fake.idTokens[0]);
    expect(logs.text()).not.toContain("ada@example.com");
  });

  it("no signature at all", async () => {
    const fake = await fakeProviders();
    const sign = async (header: object, claims: object) => `${encode(header)}.${encode(claims)}.`;
    await expect(redeemLogin(fake, "idp", { sign })).rejects.toMatchObject({
      error: "server_error",
    });
  });

  it("a key whose use is another", async () => {
    const fake = await fakeProviders();
    fake.keys = fake.keys.map((key) => ({ ...key, use: "enc" }));
    await expect(redeemLogin(fake, "idp")).rejects.toMatchObject({ error: "server_error" });
  });

  it("encryption", async () => {
    const fake = await fakeProviders();
    await expect(redeemLogin(fake, "idp", { sign: async () => "a.b.c.d.e" })).rejects.toMatchObject(
      {
        error: "server_error",
      },
    );
  });

  it("nothing: a response without an ID token", async () => {
    const fake = await fakeProviders();
    fake.overrides.set(`${ISSUER}/token`, () =>
      Response.json({ access_token: "at", token_type: "Bearer" }),
    );
    await expect(redeemLogin(fake, "idp")).rejects.toMatchObject({ error: "server_error" });
  });
});

describe("the keys of a provider", () => {
  const countKeys = ({ requests }: { requests: string[] }) =>
    requests.filter((request) => request === `GET ${ISSUER}/keys`).length;

  it("are fetched once, and again after five minutes", async () => {
    const clock = stopClock();
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    await redeemLogin(fake, "idp", { bindings });
    await redeemLogin(fake, "idp", { bindings });
    expect(countKeys(fake)).toBe(1);
    clock.pass(5 * 60_000);
    await redeemLogin(fake, "idp", { bindings });
    expect(countKeys(fake)).toBe(2);
  });

  it("are fetched again for an unknown kid, but not more often than once per minute", async () => {
    const clock = stopClock();
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    await redeemLogin(fake, "idp", { bindings });
    const unknown = { bindings, header: { kid: "key-2" } };
    clock.pass(30_000);
    await expect(redeemLogin(fake, "idp", unknown)).rejects.toMatchObject({
      error: "server_error",
    });
    expect(countKeys(fake)).toBe(1);
    clock.pass(31_000);
    fake.keys.push({ ...fake.keys[0], kid: "key-2" });
    expect(await redeemLogin(fake, "idp", unknown)).toMatchObject({ subject: "ada-1" });
    expect(countKeys(fake)).toBe(2);
  });

  it("are no longer accepted five minutes after the provider has withdrawn them", async () => {
    const clock = stopClock();
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    await redeemLogin(fake, "idp", { bindings });
    fake.keys = [{ ...(await exportJWK(OTHER.publicKey)), kid: KEY_ID, alg: "RS256" }];
    clock.pass(5 * 60_000);
    await expect(redeemLogin(fake, "idp", { bindings })).rejects.toMatchObject({
      error: "server_error",
    });
  });
});

describe("a step-up with a provider", () => {
  const stepUp = async (claims: Record<string, unknown>) => {
    const fake = await fakeProviders();
    const { createTestUser } = await import("../support/fixtures.ts");
    const { token } = await createTestUser();
    return redeemLogin(fake, "idp", { claims, start: { token, body: { intent: "step_up" } } });
  };

  it("needs an auth_time since its start", async () => {
    const authTime = seconds();
    expect(await stepUp({ auth_time: authTime })).toMatchObject({
      authenticatedAt: authTime * 1000,
    });
  });

  it.each([
    ["is missing", undefined],
    ["is from before", seconds() - 3600],
    ["is a text", "now"],
  ])("fails if auth_time %s", async (_, auth_time) => {
    await expect(stepUp({ auth_time })).rejects.toMatchObject({ error: "server_error" });
  });
});
