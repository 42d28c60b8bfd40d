import type { CBORType } from "@levischuck/tiny-cbor";
import { base64url } from "jose";
import { describe, expect, it } from "vitest";
import { signatureFromDer } from "../../src/lib/webauthn/der.ts";
import { COSE_ALGORITHMS, importCoseKey } from "../../src/lib/webauthn/public-key.ts";

/** The examples of RFC 7517 appendix A.1 and RFC 8037 appendix A.2. */
const X = base64url.decode("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4");
const Y = base64url.decode("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
const ED = base64url.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
const N = new Uint8Array(256).fill(0xff);
const E = Uint8Array.of(1, 0, 1);

const KEYS: Record<string, [number, CBORType][]> = {
  ec: [
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, X],
    [-3, Y],
  ],
  ed: [
    [1, 1],
    [3, -8],
    [-1, 6],
    [-2, ED],
  ],
  rsa: [
    [1, 3],
    [3, -257],
    [-1, N],
    [-2, E],
  ],
};

function change(name: keyof typeof KEYS, ...changes: [number, CBORType][]): Map<number, CBORType> {
  return new Map([...(KEYS[name] ?? []), ...changes]);
}

describe("a COSE key", () => {
  it.each([
    ["ec", { kty: "EC", crv: "P-256", x: base64url.encode(X), y: base64url.encode(Y) }],
    ["ed", { kty: "OKP", crv: "Ed25519", x: base64url.encode(ED) }],
    ["rsa", { kty: "RSA", n: base64url.encode(N), e: "AQAB" }],
  ])("%s is stored as a JWK of its public members", async (name, jwk) => {
    const stored = await importCoseKey(change(name), COSE_ALGORITHMS);
    expect(stored?.algorithm).toBe(change(name).get(3));
    expect(JSON.parse(stored?.publicKey ?? "")).toEqual(jwk);
  });

  it("may have a modulus of 4096 bits", async () => {
    const key = change("rsa", [-1, new Uint8Array(512).fill(0xff)]);
    expect(await importCoseKey(key, COSE_ALGORITHMS)).toBeDefined();
  });

  it.each<[string, Map<number, CBORType>]>([
    ["no members", new Map()],
    ["no algorithm", change("ec", [3, undefined])],
    ["the algorithm as text", change("ec", [3, "ES256"])],
    ["EC2 with EdDSA", change("ec", [3, -8])],
    ["EC2 with RS256", change("ec", [3, -257])],
    ["OKP with ES256", change("ed", [3, -7])],
    ["OKP with Ed25519 (-19), which was not asked for", change("ed", [3, -19])],
    ["RSA with ES256", change("rsa", [3, -7])],
    ["RSA with RS1", change("rsa", [3, -65535])],
    ["RSA with HS256", change("rsa", [3, 5])],
    [
      "a symmetric key",
      new Map<number, CBORType>([
        [1, 4],
        [3, 5],
        [-1, X],
      ]),
    ],
    ["ES256 with P-384", change("ec", [-1, 2])],
    ["ES256 with secp256k1", change("ec", [-1, 8])],
    ["EdDSA with Ed448", change("ed", [-1, 7])],
    ["EdDSA with X25519", change("ed", [-1, 4])],
    ["a compressed point", change("ec", [-3, true])],
    ["a point off the curve", change("ec", [-3, X])],
    ["the point at infinity", change("ec", [-2, new Uint8Array(32)], [-3, new Uint8Array(32)])],
    ["a short coordinate", change("ec", [-2, X.slice(1)])],
    ["a long coordinate", change("ec", [-2, Uint8Array.of(0, ...X)])],
    ["a short Ed25519 key", change("ed", [-2, ED.slice(1)])],
    ["a modulus of 1024 bits", change("rsa", [-1, N.slice(128)])],
    ["a modulus of 2047 bits", change("rsa", [-1, N.with(0, 0x7f)])],
    [
      "a modulus of 1024 bits behind zeros",
      change("rsa", [-1, N.map((byte, at) => (at < 128 ? 0 : byte))]),
    ],
    ["a modulus with a zero in front", change("rsa", [-1, Uint8Array.of(0, ...N)])],
    ["a modulus of 4104 bits", change("rsa", [-1, new Uint8Array(513).fill(0xff)])],
    ["a modulus that is a number", change("rsa", [-1, 65537])],
    ["an exponent of 3", change("rsa", [-2, Uint8Array.of(3)])],
    ["an exponent of 1", change("rsa", [-2, Uint8Array.of(1)])],
    ["an exponent with a zero in front", change("rsa", [-2, Uint8Array.of(0, 1, 0, 1)])],
    ["no exponent", change("rsa", [-2, null])],
  ])("with %s is refused", async (_, key) => {
    expect(await importCoseKey(key, COSE_ALGORITHMS)).toBeUndefined();
  });
});

describe("an ECDSA signature in DER", () => {
  const hex = (text: string) =>
    Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

  it("is read as r and s of 32 bytes each", () => {
    const raw = signatureFromDer(hex("3007020101020200ff"), 32);
    expect(raw).toEqual(new Uint8Array(64).with(31, 1).with(63, 0xff));
  });

  it.each([
    ["nothing", ""],
    ["only a tag", "30"],
    ["an empty sequence", "3000"],
    ["another tag", "3106020101020101"],
    ["a wrong length", "3007020101020101"],
    ["a length in long form", "308106020101020101"],
    ["an indefinite length", "30800201010201010000"],
    ["one integer", "3003020101"],
    ["three integers", "3009020101020101020101"],
    ["a byte behind the integers", "300702010102010100"],
    ["a byte behind the sequence", "300602010102010100"],
    ["an integer with another tag", "3006030101020101"],
    ["an empty integer", "30050200020101"],
    ["a negative integer", "3006020181020101"],
    ["a padded integer", "300702020001020101"],
    ["an integer that ends behind the data", "3006020101020201"],
    ["an integer of 33 bytes", `3026022101${"00".repeat(32)}020101`],
  ])("that is %s is malformed", (_, text) => {
    expect(signatureFromDer(hex(text), 32)).toBeUndefined();
  });
});
