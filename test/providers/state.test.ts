import { describe, expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { createIsolate } from "../support/isolates.ts";
import { openState, parametersOf, sendStart } from "../support/provider-redemption.ts";
import {
  CODE_CHALLENGE,
  fakeProviders,
  providerSettings,
  REDIRECT_URI,
} from "../support/providers.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

describe("the state", () => {
  const begin = async (settings = providerSettings(), options = {}) => {
    await fakeProviders();
    const bindings = createIsolate(settings);
    const answer = await sendStart("idp", { bindings, body: { state: "mine" }, ...options });
    return { bindings, answer, text: parametersOf(answer).get("state") ?? "" };
  };

  it("carries what the application asked for, and Roster's verifier and nonce belong to it", async () => {
    const { bindings, answer, text } = await begin();
    const state = await openState(bindings, "idp", text);
    expect(state).toEqual({
      id: expect.any(String),
      intent: "login",
      redirectUri: REDIRECT_URI,
      codeChallenge: CODE_CHALLENGE,
      clientState: "mine",
      startedAt: expect.any(Number),
      expiresAt: Number(state?.startedAt) + 600_000,
      codeVerifier: expect.stringMatching(/^[\w-]{43}$/),
      nonce: parametersOf(answer).get("nonce"),
    });
    expect(text).not.toContain(state?.codeVerifier);
    expect(atob(text.replaceAll("-", "+").replaceAll("_", "/"))).not.toContain(state?.nonce);
  });

  it("is refused at another provider", async () => {
    const { bindings, text } = await begin();
    expect(await openState(bindings, "google", text)).toBeUndefined();
  });

  it("expires after ten minutes", async () => {
    const clock = stopClock();
    const { bindings, text } = await begin();
    clock.pass(599_999);
    expect(await openState(bindings, "idp", text)).toBeDefined();
    clock.pass(1);
    expect(await openState(bindings, "idp", text)).toBeUndefined();
  });

  it("is refused if any part of it is changed, or missing", async () => {
    const { bindings, text } = await begin();
    const flip = (index: number) =>
      text.slice(0, index) + (text[index] === "A" ? "B" : "A") + text.slice(index + 1);
    const step = Math.ceil(text.length / 40);
    for (let index = 0; index < text.length; index += step) {
      expect(await openState(bindings, "idp", flip(index))).toBeUndefined();
    }
    for (const forged of ["", "x", text.slice(0, -1), `${text}A`, text.slice(0, 30)]) {
      expect(await openState(bindings, "idp", forged)).toBeUndefined();
    }
  });

  it("is refused from a service with other keys, and accepted after a rotation", async () => {
    const { text, answer } = await begin({
      ...providerSettings(),
      MAC_KEYS: jwkSet(octJwk("one", 1)),
    });
    const withKeys = (...keys: object[]) =>
      createIsolate({ ...providerSettings(), MAC_KEYS: jwkSet(...keys) });
    expect(await openState(withKeys(octJwk("two", 2)), "idp", text)).toBeUndefined();
    const rotated = withKeys(octJwk("two", 2), octJwk("one", 1));
    expect(await openState(rotated, "idp", text)).toMatchObject({
      nonce: parametersOf(answer).get("nonce"),
    });
  });

  it("is void if it is from before the revocation epoch", async () => {
    const clock = stopClock();
    const { text } = await begin();
    clock.pass(1000);
    const epoch = new Date(Date.now()).toISOString();
    const bindings = createIsolate({ ...providerSettings(), REVOKED_BEFORE: epoch });
    expect(await openState(bindings, "idp", text)).toBeUndefined();
  });
});
