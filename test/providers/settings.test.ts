import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { productionSettings } from "../support/production.ts";
import { ENTRIES, providerSettings } from "../support/providers.ts";

type Settings = Record<string, string | undefined>;

/** What /ready says is wrong with the settings, one line each; undefined if nothing is. */
async function faultsOf(settings: Settings): Promise<string[] | undefined> {
  const bindings = createIsolate(settings);
  const { body, status } = await send("/ready", { bindings });
  if (status === 200) return undefined;
  expectProblem(await send("/v1/auth/providers", { bindings }), 503, "misconfigured");
  return body.checks.config.detail.split("; ");
}

/** The faults of one provider in development. */
const faultsOfEntry = (entry: object, settings: Settings = {}) =>
  faultsOf({ ...providerSettings(), PROVIDERS: JSON.stringify([entry]), ...settings });

const IDP = ENTRIES.idp;

describe("PROVIDERS", () => {
  it("is valid with one provider of each kind, in production, too", async () => {
    expect(await faultsOf(providerSettings())).toBeUndefined();
    const production = await productionSettings();
    expect(await faultsOf({ ...production, ...providerSettings() })).toBeUndefined();
  });

  it("may be a list in wrangler.toml, which is not a text", async () => {
    const PROVIDERS = [IDP] as unknown as string;
    const bindings = createIsolate({ ...providerSettings(), PROVIDERS });
    const { body } = await send("/v1/auth/providers", { bindings });
    expect(body.data).toEqual([{ id: IDP.id, name: IDP.name }]);
  });

  it.each([
    ["no JSON", "google"],
    ["an empty text", ""],
    ["an object", "{}"],
    ["a list of texts", '["google"]'],
    ["a list with null", "[null]"],
    [
      "51 providers",
      JSON.stringify(Array.from({ length: 51 }, (_, id) => ({ ...IDP, id: `p${id}` }))),
    ],
  ])("is refused as %s", async (_, PROVIDERS) => {
    expect(await faultsOf({ ...providerSettings(), PROVIDERS })).toEqual([
      expect.stringMatching(/^PROVIDERS: must be a JSON list of at most 50 objects: \[\{"id":/),
    ]);
  });

  it.each<[string, object, string]>([
    ["an id in upper case", { id: "Google" }, "[0].id must start with a lower-case letter"],
    ["an id with a hyphen", { id: "my-idp" }, "[0].id must start with a lower-case letter"],
    ["an id that is a number", { id: 7 }, "[0].id must be a text"],
    ["no id", { id: undefined }, "[0].id must be a text"],
    ["no name", { name: undefined }, "[0].name must be a text of 1 to 50 characters"],
    ["a name with a line break", { name: "a\nb" }, "[0].name must be a text of 1 to 50 characters"],
    [
      "no client_id",
      { client_id: undefined },
      "[0].client_id must be a text of 1 to 255 characters",
    ],
    [
      "scopes as a text",
      { scopes: "openid" },
      '[0].scopes must be a list of texts, such as ["openid","email"]',
    ],
    [
      "scopes in one text",
      { scopes: ["openid email"] },
      "[0].scopes.0 must be a scope without spaces",
    ],
    ["no scopes", { scopes: [] }, "[0].scopes must have at least one scope"],
    ["scopes without openid", { scopes: ["email"] }, "[0].scopes must contain openid"],
    ["trust_email as a text", { trust_email: "yes" }, "[0].trust_email must be true or false"],
    ["an issuer that is no address", { issuer: "idp" }, "[0].issuer must be an https:// address"],
    [
      "an issuer without TLS",
      { issuer: "http://idp.example" },
      "[0].issuer must start with https://",
    ],
    [
      "an issuer with a query",
      { issuer: "https://idp.example?x=1" },
      "[0].issuer must not have a username",
    ],
    [
      "an issuer with a fragment",
      { issuer: "https://idp.example#x" },
      "[0].issuer must not have a username",
    ],
    [
      "an issuer with a password",
      { issuer: "https://a:b@idp.example" },
      "[0].issuer must not have a username",
    ],
    [
      "an unknown preset",
      { preset: "gitlab" },
      "[0].preset must be one of google, github, microsoft, apple",
    ],
    [
      "the preset openid",
      { preset: "openid" },
      "[0].preset must be one of google, github, microsoft, apple",
    ],
    ["a preset and an issuer", { preset: "google" }, '[0] Unrecognized key: "issuer"'],
    [
      "a secret among its members",
      { client_secret: "oops" },
      '[0] Unrecognized key: "client_secret"',
    ],
    [
      "a base_url without a preset",
      { base_url: "https://a.example" },
      '[0] Unrecognized key: "base_url"',
    ],
  ])("is refused with %s, and says what to write", async (_, changes, expected) => {
    const faults = await faultsOfEntry({ ...IDP, ...changes });
    expect(faults).toHaveLength(1);
    expect(faults?.[0]).toContain(`PROVIDERS: ${expected}`);
  });

  it.each<[string, object, string]>([
    [
      "no tenant",
      { ...ENTRIES.microsoft, tenant: undefined },
      "[0].tenant must be the id of a tenant",
    ],
    [
      "a tenant by name",
      { ...ENTRIES.microsoft, tenant: "contoso.com" },
      "[0].tenant must be the id of a tenant",
    ],
    ["no team", { ...ENTRIES.apple, team_id: undefined }, "[0].team_id must be your Team ID"],
    ["no key", { ...ENTRIES.apple, key_id: "short" }, "[0].key_id must be the Key ID"],
    [
      "a base_url without TLS",
      { ...ENTRIES.google, base_url: "http://a.example" },
      "[0].base_url must start with https://",
    ],
  ])("is refused as a preset with %s", async (_, entry, expected) => {
    const faults = await faultsOfEntry(entry);
    expect(faults).toHaveLength(1);
    expect(faults?.[0]).toContain(`PROVIDERS: ${expected}`);
  });

  it("names all that is wrong with several providers", async () => {
    const PROVIDERS = JSON.stringify([{ ...IDP, name: "" }, IDP, { ...IDP, client_id: "" }]);
    expect(await faultsOf({ ...providerSettings(), PROVIDERS })).toEqual([
      expect.stringContaining("PROVIDERS: [0].name "),
      expect.stringContaining("PROVIDERS: [2].client_id "),
    ]);
  });

  it("is refused with two providers of one id", async () => {
    const PROVIDERS = JSON.stringify([IDP, { ...ENTRIES.google, id: IDP.id }]);
    expect(await faultsOf({ ...providerSettings(), PROVIDERS })).toEqual([
      "PROVIDERS: [1].id must not be that of another",
    ]);
  });

  const local = ["http://localhost:9999", "http://127.0.0.1:9999", "http://[::1]:9999/realm"];

  it.each(local)("may have the issuer %s in development only", async (issuer) => {
    expect(await faultsOfEntry({ ...IDP, issuer })).toBeUndefined();
    expect(await faultsOfEntry({ ...IDP, issuer }, await productionSettings())).toEqual([
      expect.stringContaining(
        "PROVIDERS: [0].issuer must start with https:// and have the name of a host",
      ),
    ]);
  });

  it.each([
    "https://10.0.0.1",
    "https://0x7f000001",
    "https://[fd00::1]",
    "https://localhost",
    "https://idp.internal",
    "https://idp",
  ])("is refused in production with the private issuer %s", async (issuer) => {
    expect(await faultsOfEntry({ ...IDP, issuer }, await productionSettings())).toEqual([
      expect.stringContaining("PROVIDERS: [0].issuer must"),
    ]);
  });

  it("may have a base_url in development only", async () => {
    const entry = { ...ENTRIES.google, base_url: "http://localhost:9999" };
    expect(await faultsOfEntry(entry)).toBeUndefined();
    expect(await faultsOfEntry(entry, await productionSettings())).toEqual([
      "PROVIDERS: [0].base_url is for development only",
    ]);
    const https = { ...entry, base_url: "https://a.example" };
    expect(await faultsOfEntry(https, await productionSettings())).toEqual([
      "PROVIDERS: [0].base_url is for development only",
    ]);
  });
});

describe("PROVIDER_<ID>_SECRET", () => {
  it.each([undefined, "", "  "])("is required: not %j", async (secret) => {
    expect(await faultsOf({ ...providerSettings(), PROVIDER_IDP_SECRET: secret })).toEqual([
      "PROVIDER_IDP_SECRET: is missing: set it to the client secret of this provider in PROVIDERS",
    ]);
  });

  it("is the name in upper case", async () => {
    const entry = { ...IDP, id: "my_idp_2" };
    expect(await faultsOfEntry(entry)).toEqual([
      expect.stringMatching(/^PROVIDER_MY_IDP_2_SECRET: is missing/),
    ]);
    expect(await faultsOfEntry(entry, { PROVIDER_MY_IDP_2_SECRET: "x" })).toBeUndefined();
  });

  it("is a private key for Apple, whose line breaks may be written as \\n", async () => {
    const settings = providerSettings();
    const { PROVIDER_APPLE_SECRET: pem = "" } = settings;
    const escaped = pem.replaceAll("\n", "\\n");
    expect(await faultsOf({ ...settings, PROVIDER_APPLE_SECRET: escaped })).toBeUndefined();
    for (const wrong of ["unmistakable", pem.replace("PRIVATE KEY", "PUBLIC KEY"), pem.slice(40)]) {
      expect(await faultsOf({ ...settings, PROVIDER_APPLE_SECRET: wrong })).toEqual([
        expect.stringContaining(
          "PROVIDER_APPLE_SECRET: must be the private key of Sign in with Apple",
        ),
      ]);
    }
  });

  it("and what else is wrong reaches neither a response nor the log", async () => {
    const bindings = createIsolate({
      ...providerSettings(),
      PROVIDERS: JSON.stringify([{ ...ENTRIES.apple, name: "unmistakable\n" }, ENTRIES.apple]),
      PROVIDER_APPLE_SECRET: "unmistakable secret",
      LOGIN_REDIRECT_URIS: "unmistakable",
    });
    const logs = captureLogs();
    const texts = [(await send("/ready", { bindings })).text, logs.text()];
    for (const text of texts) {
      expect(text).not.toContain("unmistakable");
    }
    expect(texts[0]).toContain("LOGIN_REDIRECT_URIS");
  });
});

describe("LOGIN_REDIRECT_URIS", () => {
  it("is required by PROVIDERS where there is no page of this service to end at", async () => {
    const none = { ...providerSettings(), LOGIN_REDIRECT_URIS: undefined };
    expect(await faultsOf({ ...none, APP_URL: undefined })).toEqual([
      expect.stringContaining(
        "LOGIN_REDIRECT_URIS: is required by PROVIDERS unless APP_URL is set",
      ),
    ]);
    expect(await faultsOf(none)).toBeUndefined();
    expect(await faultsOf({ LOGIN_REDIRECT_URIS: undefined, PROVIDERS: "[]" })).toBeUndefined();
  });

  it.each([
    "https://app.example",
    "https://app.example/login?from=roster",
    "com.example.app:/login",
    "com.example.app://login",
    "com.example.app:/",
    "http://127.0.0.1/login",
    "http://127.0.0.1:3000",
    "http://[::1]/login",
    "https://app.example/login, com.example.app:/login",
  ])("may be %s", async (uris) => {
    expect(await faultsOf({ ...providerSettings(), LOGIN_REDIRECT_URIS: uris })).toBeUndefined();
  });

  it.each([
    "app.example/login",
    "http://app.example/login",
    "http://localhost:3000/login",
    "http://127.0.0.1.evil.example/login",
    "http://127.0.0.1@evil.example/login",
    "https://*.example/login",
    "https://app.example/*",
    "https://app.example/#login",
    "https://ada:secret@app.example",
    "https://app.example/lo gin",
    "https://app.example\\login",
    "https://",
    "myapp:/login",
    "com.example.app:",
    "javascript:alert(1)",
    "data:text/html;hello",
    `https://app.example/${"a".repeat(500)}`,
    "https://app.example,nonsense",
  ])("may not be %s", async (uris) => {
    const faults = await faultsOf({ ...providerSettings(), LOGIN_REDIRECT_URIS: uris });
    expect(faults).toHaveLength(1);
    expect(faults?.[0]).toMatch(
      /^LOGIN_REDIRECT_URIS: must be https:\/\/ addresses, private schemes/,
    );
  });
});
