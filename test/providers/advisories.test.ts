import { generateKeyPair, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createIsolate } from "../support/isolates.ts";
import { openState, redeem, redeemLogin, sendStart } from "../support/provider-redemption.ts";
import { ENTRIES, fakeProviders, providerSettings } from "../support/providers.ts";

const EVIL = await generateKeyPair("RS256");
const signByEvil = (header: object, claims: object) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg: "RS256", ...header }).sign(EVIL.privateKey);

// Supabase Auth looked up the keys of whichever issuer an ID token for Apple or Microsoft named.
describe("CVE-2026-31813: an ID token of the attacker's own issuer", () => {
  it.each(["apple", "microsoft", "google", "idp"] as const)("is refused at %s", async (id) => {
    const fake = await fakeProviders();
    const evil = "https://evil.example";
    fake.overrides.set(`${evil}/.well-known/openid-configuration`, () =>
      Response.json({ ...fake.metadata[id], issuer: evil, jwks_uri: `${evil}/keys` }),
    );
    for (const iss of [evil, `${ENTRIES.idp.issuer}.evil.example`, undefined]) {
      const forged = { claims: { iss, email: "ada@example.com" }, sign: signByEvil };
      await expect(redeemLogin(fake, id, forged)).rejects.toMatchObject({ error: "server_error" });
    }
    expect(fake.requests.filter((request) => request.includes("evil"))).toEqual([]);
  });
});

// ZITADEL checked the signature and the issuer of an ID token, but not for whom it was.
describe("CVE-2026-55669: an ID token for another service of the same provider", () => {
  it.each(["apple", "microsoft", "google", "idp"] as const)("is refused at %s", async (id) => {
    const fake = await fakeProviders();
    for (const aud of [
      "another-client",
      ["another-client"],
      `${ENTRIES[id].client_id}x`,
      "",
      null,
    ]) {
      await expect(redeemLogin(fake, id, { claims: { aud } })).rejects.toMatchObject({
        error: "server_error",
      });
    }
  });
});

// Auth.js accepted the state, the nonce and the verifier of a login with one provider in the callback of another.
describe("GHSA-x445-f3h2-j279: state, nonce and verifier of another provider", () => {
  it("are refused", async () => {
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    const { body } = await sendStart("google", { bindings });
    const callback = fake.logIn(body.authorization_url);
    for (const id of ["idp", "github", "microsoft", "apple"]) {
      expect(await openState(bindings, id, callback.get("state") ?? "")).toBeUndefined();
    }
  });

  it("do not fit a code of another provider, nor another login at the same one", async () => {
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    const start = async (id: string) => (await sendStart(id, { bindings })).body.authorization_url;
    const mine = fake.logIn(await start("idp"));
    for (const theirs of [fake.logIn(await start("google")), fake.logIn(await start("idp"))]) {
      const mixed = new URLSearchParams(mine);
      mixed.set("code", theirs.get("code") ?? "");
      await expect(redeem(bindings, "idp", mixed)).rejects.toMatchObject({ error: "server_error" });
    }
  });
});
