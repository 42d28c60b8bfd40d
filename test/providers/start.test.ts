import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { sqlAll } from "../support/fixtures.ts";
import { createIsolate, createWatchedIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import { parametersOf, sendStart } from "../support/provider-redemption.ts";
import {
  CODE_CHALLENGE,
  ENTRIES,
  fakeProviders,
  providerSettings,
  REDIRECT_URI,
} from "../support/providers.ts";

describe("GET /v1/auth/providers", () => {
  const bindings = createIsolate(providerSettings());
  const list = (query = "", options = {}) =>
    send(`/v1/auth/providers${query}`, { bindings, ...options });

  it("lists id and name in the order of the settings, and nothing else", async () => {
    const { status, body } = await list();
    expect(status).toBe(200);
    expect(body).toEqual({
      data: Object.values(ENTRIES).map(({ id, name }) => ({ id, name })),
      pagination: { limit: 10, has_more: false, next_cursor: null },
    });
  });

  it("has pages", async () => {
    const first = (await list("?limit=3")).body;
    const second = (await list(`?limit=3&cursor=${first.pagination.next_cursor}`)).body;
    const ids = [...first.data, ...second.data].map(({ id }: { id: string }) => id);
    expect(ids).toEqual(Object.keys(ENTRIES));
    expect((await list("?limit=2&skip=1")).body).toMatchObject({
      data: [{ id: "google" }, { id: "github" }],
      pagination: { skip: 1, total: 5, has_more: true },
    });
  });

  it("is empty without the setting", async () => {
    expect((await list("", { bindings: createIsolate() })).body.data).toEqual([]);
  });

  it("costs nothing", async () => {
    expect(costOf(await list())).toMatchObject({ queries: 0, kvReads: 0, kvWrites: 0 });
  });
});

describe("POST /v1/auth/providers/{id}/start", () => {
  it("returns the address at the provider, with PKCE, state and nonce", async () => {
    await fakeProviders();
    const answer = await sendStart("google", {
      body: { login_hint: "ada@example.com", state: "s" },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ authorization_url: expect.any(String), expires_in: 600 });
    const { origin, pathname, searchParams } = new URL(answer.body.authorization_url);
    expect(origin + pathname).toBe("https://accounts.google.com/o/oauth2/v2/auth");
    expect(Object.fromEntries(searchParams)).toEqual({
      response_type: "code",
      client_id: ENTRIES.google.client_id,
      redirect_uri: "https://roster.test/v1/auth/providers/google/callback",
      scope: "openid email profile",
      state: expect.any(String),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
      login_hint: "ada@example.com",
    });
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
  });

  it("never sends the application's own challenge, nor anything twice", async () => {
    await fakeProviders();
    const bindings = createIsolate(providerSettings());
    const [one, two] = [await sendStart("idp", { bindings }), await sendStart("idp", { bindings })];
    for (const name of ["state", "nonce", "code_challenge"]) {
      expect(parametersOf(one).get(name)).not.toBe(parametersOf(two).get(name));
    }
    expect(parametersOf(one).get("code_challenge")).not.toBe(CODE_CHALLENGE);
  });

  it("keeps the parameters that the authorization endpoint has already", async () => {
    const fake = await fakeProviders();
    const authorization_endpoint = "https://idp.example/authorize?realm=one&state=fixed";
    fake.metadata.idp = { ...fake.metadata.idp, authorization_endpoint };
    const parameters = parametersOf(await sendStart("idp"));
    expect(parameters.get("realm")).toBe("one");
    expect(parameters.getAll("state")).toEqual([expect.not.stringMatching(/^fixed$/)]);
  });

  it("asks for the scopes of the settings", async () => {
    await fakeProviders();
    const scopes = ["openid", "email", "groups"];
    const bindings = createIsolate(providerSettings({ idp: { scopes } }));
    expect(parametersOf(await sendStart("idp", { bindings })).get("scope")).toBe(
      "openid email groups",
    );
  });

  it("stores nothing in D1, and only metadata in KV", async () => {
    await fakeProviders();
    const { bindings, puts } = createWatchedIsolate(providerSettings());
    const answer = await sendStart("idp", { bindings });
    expect(costOf(answer)).toMatchObject({ queries: 0, rowsWritten: 0 });
    expect(puts).toMatchObject([
      { key: "provider:metadata:https://idp.example", ttlSeconds: 86_400 },
    ]);
    expect(costOf(await sendStart("idp", { bindings }))).toMatchObject({ kvReads: 0, kvWrites: 0 });
    expect(await sqlAll("SELECT * FROM spent_tokens")).toEqual([]);
  });

  it.each(["google_", "Google", "nobody", "__proto__", "constructor"])(
    "returns 404 to the unknown provider %s",
    async (id) => {
      await fakeProviders();
      expectProblem(await sendStart(id), 404, "provider_not_found");
    },
  );

  it.each([
    ["redirect_uri", { redirect_uri: "" }],
    ["code_challenge", { code_challenge: "short" }],
    ["code_challenge", { code_challenge: `${CODE_CHALLENGE}=` }],
    ["code_challenge", { code_challenge: undefined }],
    ["intent", { intent: "register" }],
    ["intent", { intent: undefined }],
    ["state", { state: "a".repeat(501) }],
    ["state", { state: "line\nbreak" }],
    ["login_hint", { login_hint: "a".repeat(255) }],
    ["nonce", { nonce: "mine" }],
  ])("returns 422 to an invalid %s", async (path, body) => {
    const answer = await sendStart("idp", { body });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer).map((fault) => fault.split(" ")[0])).toEqual([path]);
  });
});

describe("redirect_uri", () => {
  const isAllowed = async (redirect_uri: string, listed?: string) => {
    await fakeProviders();
    const settings = providerSettings();
    const bindings = createIsolate({ ...settings, ...(listed && { LOGIN_REDIRECT_URIS: listed }) });
    const answer = await sendStart("idp", { bindings, body: { redirect_uri } });
    if (answer.status !== 200) expectProblem(answer, 400, "redirect_uri_not_allowed");
    return answer.status === 200;
  };

  it.each([
    REDIRECT_URI,
    "com.example.app:/login",
    "http://127.0.0.1/login",
    "http://127.0.0.1:49152/login",
    "http://127.0.0.1:1/login",
  ])("may be %s, which is listed", async (uri) => {
    expect(await isAllowed(uri)).toBe(true);
  });

  it.each([
    ["with one character more", `${REDIRECT_URI}s`],
    ["with one character less", REDIRECT_URI.slice(0, -1)],
    ["with another character", "https://app.example/logim"],
    ["with a slash more", `${REDIRECT_URI}/`],
    ["in another case", "https://app.example/Login"],
    ["with the host in another case", "https://APP.example/login"],
    ["with the default port", "https://app.example:443/login"],
    ["with another port", "https://app.example:8443/login"],
    ["without TLS", "http://app.example/login"],
    ["with a query", `${REDIRECT_URI}?next=1`],
    ["with an empty query", `${REDIRECT_URI}?`],
    ["with a fragment", `${REDIRECT_URI}#top`],
    ["with a user", "https://eve@app.example/login"],
    ["with a path that leads there", "https://app.example/x/../login"],
    ["with an encoded character", "https://app.example/%6Cogin"],
    ["of another host", "https://app.example.evil.example/login"],
    ["with a space before", ` ${REDIRECT_URI}`],
    ["with the whole list", `${REDIRECT_URI},com.example.app:/login`],
    ["of another app", "com.example.apps:/login"],
    ["with two slashes after the scheme", "com.example.app://login"],
    ["by name", "http://localhost:49152/login"],
    ["of another loopback address", "http://127.0.0.2:49152/login"],
    ["of the other family", "http://[::1]:49152/login"],
    ["of a loopback address with another path", "http://127.0.0.1:49152/login/"],
    ["of a loopback address with a query", "http://127.0.0.1:49152/login?x=1"],
    ["of a loopback address with TLS", "https://127.0.0.1:49152/login"],
    ["of a loopback address and a user", "http://127.0.0.1:80@evil.example/login"],
    ["of a host that begins like a loopback address", "http://127.0.0.1.evil.example/login"],
    ["with a port that is none", "http://127.0.0.1:99999/login"],
    ["that is a script", "javascript:alert(1)"],
  ])("is refused %s", async (_, uri) => {
    expect(await isAllowed(uri)).toBe(false);
  });

  it("may have any port at a loopback address that is listed with one, of either family", async () => {
    const listed = "http://[::1]:3000/cb,http://127.0.0.1";
    expect(await isAllowed("http://[::1]:49152/cb", listed)).toBe(true);
    expect(await isAllowed("http://[::1]/cb", listed)).toBe(true);
    expect(await isAllowed("http://127.0.0.1:49152", listed)).toBe(true);
    expect(await isAllowed("http://127.0.0.1:49152/", listed)).toBe(false);
  });
});
