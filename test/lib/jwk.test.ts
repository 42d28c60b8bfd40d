import { compactVerify, FlattenedSign, type JWK } from "jose";
import { describe, expect, it } from "vitest";
import { hasDevelopmentKey, importMacKeys, importSigningKeys } from "../../src/lib/jwk.ts";
import { jwkSet, newSigningJwk, octJwk } from "../support/tokens.ts";

/** RFC 8037 appendix A.1. */
const RFC_KEY: JWK = {
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  kid: "rfc8037",
};
/** RFC 8037 appendix A.4. */
const RFC_PAYLOAD = "Example of Ed25519 signing";
const RFC_JWS =
  "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
  "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

const set = jwkSet;
const oct = (bytes: number, kid = "k") => octJwk(kid, 1, bytes);

async function rfcKey() {
  const key = (await importSigningKeys(set(RFC_KEY))).get("rfc8037");
  if (!key) throw new Error("no key");
  return key;
}

describe("importSigningKeys", () => {
  it("signs like RFC 8037 appendix A.4", async () => {
    const { privateKey } = await rfcKey();
    const {
      protected: header,
      payload,
      signature,
    } = await new FlattenedSign(new TextEncoder().encode(RFC_PAYLOAD))
      .setProtectedHeader({ alg: "EdDSA" })
      .sign(privateKey);
    expect(`${header}.${payload}.${signature}`).toBe(RFC_JWS);
  });

  it("verifies like RFC 8037 appendix A.5, and refuses a signature with a flipped bit", async () => {
    const { publicKey } = await rfcKey();
    const { payload } = await compactVerify(RFC_JWS, publicKey);
    expect(new TextDecoder().decode(payload)).toBe(RFC_PAYLOAD);
    const [header, body, signature = ""] = RFC_JWS.split(".");
    const changed = `${header}.${body}.${signature.replace("h", "i")}`;
    await expect(compactVerify(changed, publicKey)).rejects.toThrow();
  });

  it("exposes only the public part of a key", async () => {
    const { publicJwk } = await rfcKey();
    const { x } = RFC_KEY;
    expect(publicJwk).toEqual({
      kty: "OKP",
      crv: "Ed25519",
      x,
      kid: "rfc8037",
      use: "sig",
      alg: "EdDSA",
    });
  });

  it("keeps the order, so that the first key signs", async () => {
    const keys = await importSigningKeys(set(await newSigningJwk("b"), await newSigningJwk("a")));
    expect([...keys.keys()]).toEqual(["b", "a"]);
  });

  const { d: _d, ...publicOnly } = RFC_KEY;
  const { kid: _kid, ...nameless } = RFC_KEY;
  const unusable: [string, string][] = [
    ["invalid JSON", "nope"],
    ["an empty text", ""],
    ["null", "null"],
    ["a single key instead of a set", JSON.stringify(RFC_KEY)],
    ["an empty set", set()],
    ["keys that are not a list", '{"keys":{}}'],
    ["a key that is not an object", set("x")],
    ["a null key", set(null)],
    ["a public key", set(publicOnly)],
    ["a key without kid", set(nameless)],
    ["a kid with a space", set({ ...RFC_KEY, kid: "a b" })],
    ["two keys with one kid", set(RFC_KEY, RFC_KEY)],
    ["another curve", set({ ...RFC_KEY, crv: "X25519" })],
    ["another key type", set({ ...RFC_KEY, kty: "EC" })],
    ["a symmetric key", set(oct(32))],
    ["a short key", set({ ...RFC_KEY, d: "nWGxne_9WmC6hEr0kuws" })],
    ["a key that is not base64url", set({ ...RFC_KEY, d: "*".repeat(43) })],
  ];
  it.each(unusable)("refuses %s without quoting it", async (_, text) => {
    const refusal = await importSigningKeys(text).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(refusal).toBeTypeOf("string");
    expect(refusal).not.toContain(RFC_KEY.d);
  });
});

describe("importMacKeys", () => {
  it("accepts keys of 32 bytes or more, in order", async () => {
    const keys = await importMacKeys(set(oct(32, "b"), oct(64, "a")));
    expect([...keys.keys()]).toEqual(["b", "a"]);
  });

  it.each([
    ["31 bytes", set(oct(31))],
    ["none", set({ kty: "oct", kid: "k" })],
    ["a signing key", set(RFC_KEY)],
    ["a key that is not base64url", set({ ...oct(32), k: `${"A".repeat(42)}+` })],
    ["two keys with one kid", set(oct(32), oct(33))],
    ["no kid", set({ ...oct(32), kid: undefined })],
    ["a short key after a long enough one", set(oct(32, "a"), oct(16, "b"))],
  ])("refuses %s", async (_, text) => {
    await expect(importMacKeys(text)).rejects.toThrow(Error);
  });

  it("imports keys that cannot be extracted", async () => {
    const [key] = (await importMacKeys(set(oct(32)))).values();
    expect(key?.extractable).toBe(false);
  });
});

describe("hasDevelopmentKey", () => {
  it("finds one by its kid at any position", () => {
    expect(hasDevelopmentKey(set(oct(32, "prod"), oct(32, "dev-1")))).toBe(true);
    expect(hasDevelopmentKey(set(oct(32, "prod-dev-1"), oct(32, "developer")))).toBe(false);
  });
});
