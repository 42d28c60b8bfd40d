import { env } from "cloudflare:workers";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { createTestUser } from "../support/fixtures.ts";
import { jwkSet, newSigningJwk, SIGNING_JWK } from "../support/tokens.ts";

describe("GET /.well-known/jwks.json", () => {
  it("returns only the public parts, cacheable and without I/O", async () => {
    const answer = await send("/.well-known/jwks.json");
    const { x, kid } = SIGNING_JWK;
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      keys: [{ kty: "OKP", crv: "Ed25519", x, kid, use: "sig", alg: "EdDSA" }],
    });
    expect(answer.text).not.toContain(SIGNING_JWK.d);
    expect(answer.headers.get("Cache-Control")).toMatch(/^public, max-age=\d+$/);
    expect(answer.headers.get("Content-Type")).toMatch(/^application\/(jwk-set\+)?json/);
    expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 0, kvWrites: 0 });
  });

  it("lets another service verify a token", async () => {
    const { body } = await send<JSONWebKeySet>("/.well-known/jwks.json");
    const { id, token } = await createTestUser();
    const { payload } = await jwtVerify(token, createLocalJWKSet(body), {
      issuer: "https://roster.test",
      audience: "roster",
      typ: "at+jwt",
    });
    expect(payload.sub).toBe(id);
  });

  it("returns every key during a rotation, the signing key first", async () => {
    const next = await newSigningJwk("next");
    const bindings = { ...env, SIGNING_KEYS: jwkSet(next, SIGNING_JWK) };
    const { body } = await send<JSONWebKeySet>("/.well-known/jwks.json", { bindings });
    expect(body.keys.map(({ kid }) => kid)).toEqual(["next", SIGNING_JWK.kid]);
    expect(body.keys.some((key) => "d" in key)).toBe(false);
  });
});
