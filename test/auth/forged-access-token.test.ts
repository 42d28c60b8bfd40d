import { base64url, decodeJwt, type JWTPayload, SignJWT } from "jose";
import { beforeAll, describe, it } from "vitest";
import { send } from "../support/api.ts";
import { expectTokenRefused } from "../support/bearer.ts";
import { createTestUser, type TestUser } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";
import { assemble, forge, newSigningJwk, type Overrides, SIGNING_JWK } from "../support/tokens.ts";

let user: TestUser;
let claims: JWTPayload;

beforeAll(async () => {
  user = await createTestUser();
  claims = decodeJwt(user.token);
});

describe("401 without I/O for a token", () => {
  it.each(["none", "None", "noNE", "NONE"])("with alg %s", async (alg) => {
    await expectTokenRefused(`${assemble(user.token, { alg })}`);
    await expectTokenRefused(assemble(user.token, { alg }, user.token.split(".")[2]));
  });

  it("signed with HS256, using the public key as the secret", async () => {
    for (const secret of [SIGNING_JWK.x ?? "", JSON.stringify({ ...SIGNING_JWK, d: undefined })]) {
      for (const bytes of [
        new TextEncoder().encode(secret),
        base64url.decode(SIGNING_JWK.x ?? ""),
      ]) {
        const token = await new SignJWT(claims)
          .setProtectedHeader({ alg: "HS256", typ: "at+jwt", kid: SIGNING_JWK.kid ?? "" })
          .sign(bytes);
        await expectTokenRefused(token);
      }
    }
  });

  it.each(["JWT", "rt+jwt", "application/jwt", "at+jwt+x", undefined])(
    "with typ %s",
    async (typ) => {
      await expectTokenRefused(await forge(user.token, { typ }));
    },
  );

  const headers: [string, Overrides][] = [
    ["an unknown kid", { kid: "another" }],
    ["no kid", { kid: undefined }],
    ["a kid that is a property of Object.prototype", { kid: "__proto__" }],
    ["a kid that is a path", { kid: "../../../dev/null" }],
    ["a kid that is SQL", { kid: "' OR 1=1 --" }],
    ["an unknown critical extension", { crit: ["x"], x: 1 }],
  ];
  it.each(headers)("with %s", async (_, header) => {
    const token =
      "crit" in header ? assemble(user.token, header, "AAAA") : await forge(user.token, header);
    await expectTokenRefused(token);
  });

  it("whose jwk, jku or x5u points at the attacker's key", async () => {
    const attacker = await newSigningJwk();
    const { d: _, ...jwk } = attacker;
    const url = "https://attacker.example/jwks.json";
    for (const header of [{ jwk }, { jku: url }, { x5u: url }, { x5c: ["AAAA"] }]) {
      await expectTokenRefused(await forge(user.token, header, {}, attacker));
      await expectTokenRefused(
        await forge(user.token, { ...header, kid: attacker.kid }, {}, attacker),
      );
    }
  });

  const payloads: [string, Overrides][] = [
    ["another iss", { iss: "https://attacker.example" }],
    ["an iss in another case", { iss: "https://ROSTER.test" }],
    ["no iss", { iss: undefined }],
    ["another aud", { aud: "another-service" }],
    ["no aud", { aud: undefined }],
    ["exp 0", { exp: 0 }],
    ["a negative exp", { exp: -1 }],
    ["exp NaN", { exp: Number.NaN }],
    ["exp as a string", { exp: "99999999999" }],
    ["no exp", { exp: undefined }],
    ["exp as an object", { exp: {} }],
    ["nbf in the future", { nbf: 99_999_999_999 }],
    ["nbf as a string", { nbf: "0" }],
    ["no iat", { iat: undefined }],
    ["no sub", { sub: undefined }],
    ["a number as sub", { sub: 1 }],
    ["no sid", { sid: undefined }],
    ["an array as sid", { sid: ["x"] }],
    ["no jti", { jti: undefined }],
    ["no role", { role: undefined }],
    ["an object as role", { role: {} }],
    ["an array as scope", { scope: ["users:read"] }],
  ];
  it.each(payloads)("with %s", async (_, payload) => {
    await expectTokenRefused(await forge(user.token, {}, payload));
  });

  it("with any character changed, or truncated", async () => {
    const { token } = user;
    const step = 7;
    for (let i = 0; i < token.length - 1; i += step) {
      const other = token[i] === "A" ? "B" : "A";
      await expectTokenRefused(token.slice(0, i) + other + token.slice(i + 1));
    }
    for (const cut of [1, 2, 10, 86]) await expectTokenRefused(token.slice(0, -cut));
    await expectTokenRefused(`${token}A`);
  });

  it("in JSON serialization, with two or four parts, or of another kind", async () => {
    const [header = "", payload = "", signature = ""] = user.token.split(".");
    const json = JSON.stringify({ payload, signatures: [{ protected: header, signature }] });
    for (const token of [
      `${header}.${payload}`,
      `${user.token}.${signature}`,
      user.refreshToken,
      base64url.encode(json),
    ]) {
      await expectTokenRefused(token);
    }
    for (const authorization of [json, `Bearer ${json}`]) {
      const answer = await send("/v1/auth/me", { headers: { Authorization: authorization } });
      expectProblem(answer, 401, "unauthenticated");
    }
  });
});
