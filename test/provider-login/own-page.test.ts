import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import {
  createProviderBox,
  type Fake,
  newPerson,
  resultOf,
  sendCallback,
  sendExchange,
} from "../support/provider-logins.ts";
import { fakeProviders, sendStart } from "../support/providers.ts";
import { cookieOf, fromPage } from "../support/refresh-cookie.ts";

const OWN = "https://roster.test/account/callback";

let fake: Fake;

beforeEach(async () => {
  fake = await fakeProviders();
});

async function isAllowed(redirect_uri: string, settings: Record<string, string> = {}) {
  const { bindings } = createProviderBox(settings);
  const answer = await sendStart("idp", { bindings, body: { redirect_uri } });
  if (answer.status !== 200) expect(answer.body.code).toBe("redirect_uri_not_allowed");
  return answer.status === 200;
}

describe("a login with a provider in the pages of this service", () => {
  it("ends at a page that LOGIN_REDIRECT_URIS need not list, and can stay signed in", async () => {
    const { bindings } = createProviderBox({ LOGIN_REDIRECT_URIS: "" });
    const body = { redirect_uri: OWN, state: "abc" };
    const { authorization_url } = (await sendStart("idp", { bindings, body })).body;
    const callback = fake.logIn(authorization_url, { claims: newPerson() });
    const answer = await sendCallback("idp", callback, { bindings });
    const location = answer.headers.get("Location") ?? "";
    expect(location).toMatch(/^https:\/\/roster\.test\/account\/callback\?code=rxc_/);
    const { pathname, search } = new URL(location);
    const page = await send(pathname + search, { bindings });
    expect([page.status, page.headers.get("Content-Type")]).toEqual([
      200,
      expect.stringMatching(/^text\/html/),
    ]);
    const tokens = await sendExchange(resultOf(answer).get("code"), {
      bindings,
      body: { stay_signed_in: true },
      headers: fromPage(),
    });
    expect(cookieOf(tokens)).toMatch(/^rrt_/);
  });

  it.each([
    "https://roster.test/account/callback/",
    "https://roster.test/account/callback?x=1",
    "https://roster.test/account/callback#x",
    "https://roster.test/account",
    "https://roster.test/console",
    "https://roster.test:8443/account/callback",
    "http://roster.test/account/callback",
    "https://ROSTER.test/account/callback",
    "https://roster.test.evil.example/account/callback",
    "/account/callback",
  ])("does not end at %s", async (uri) => expect(await isAllowed(uri)).toBe(false));

  it("ends where APP_URL is, and with no other port, on a loopback address either", async () => {
    const APP_URL = "http://127.0.0.1:8787";
    expect(await isAllowed(`${APP_URL}/account/callback`, { APP_URL })).toBe(true);
    expect(await isAllowed("http://127.0.0.1:8788/account/callback", { APP_URL })).toBe(false);
    expect(await isAllowed(OWN, { APP_URL })).toBe(false);
  });

  it("is refused in the callback if APP_URL has changed since", async () => {
    const { bindings } = createProviderBox();
    const { body } = await sendStart("idp", { bindings, body: { redirect_uri: OWN } });
    const moved = createProviderBox({ APP_URL: "https://other.test" });
    const answer = await sendCallback("idp", fake.logIn(body.authorization_url), moved);
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_state"]);
  });
});
