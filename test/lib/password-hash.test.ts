import { describe, expect, it } from "vitest";
import { importMacKeys } from "../../src/lib/jwk.ts";
import {
  deriveChained,
  dummyHash,
  hashPassword,
  needsRehash,
  verifyPassword,
} from "../../src/lib/password-hash.ts";
import { derivedIterations } from "../support/setup.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

const utf8 = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const cheap = { iterations: 10, peppers: new Map<string, CryptoKey>() };
const owasp = { ...cheap, iterations: 600_000 };

const pepper = (kid: string, fill: number) => importMacKeys(jwkSet(octJwk(kid, fill)));

describe("deriveChained", () => {
  it.each([
    ["passwd", "salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"],
    [
      "Password",
      "NaCl",
      80_000,
      "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56",
    ],
  ])(
    "equals PBKDF2-HMAC-SHA-256 in one call, RFC 7914 section 11: %s, %s, %i",
    async (password, salt, iterations, expected) => {
      const output = await deriveChained(utf8(password), utf8(salt), iterations, 100_000);
      expect(hex(output)).toBe(expected);
      expect(derivedIterations).toEqual([iterations]);
    },
  );

  it("passes the output of each call to the next, with the remaining iterations in the last", async () => {
    const salt = utf8("salt");
    const chained = await deriveChained(utf8("passwd"), salt, 25, 10);
    let byHand = utf8("passwd");
    for (const iterations of [10, 10, 5])
      byHand = await deriveChained(byHand, salt, iterations, 100);
    expect(hex(chained)).toBe(hex(byHand));
    expect(derivedIterations.slice(0, 3)).toEqual([10, 10, 5]);
  });

  it("runs 600,000 iterations in calls of at most 100,000", async () => {
    await hashPassword("SecurePass123!", owasp);
    expect(derivedIterations).toEqual(Array(6).fill(100_000));
  });
});

describe("hashPassword and verifyPassword", () => {
  it.each([
    ["composed or not", "Zürich im März", "Zu\u0308rich im Ma\u0308rz"],
    ["a ligature", "ef\uFB01cient train", "efficient train"],
    ["full width", "ｐａｓｓｗｏｒｄ１２", "password12"],
  ])("accept the same password from another keyboard (NFKC): %s", async (_, typed, other) => {
    expect(await verifyPassword(other, await hashPassword(typed, cheap), cheap)).toBe(true);
    expect(await verifyPassword(typed, await hashPassword(other, cheap), cheap)).toBe(true);
  });

  it("accept the password and nothing else", async () => {
    const stored = await hashPassword("correct horse", cheap);
    expect(await verifyPassword("correct horse", stored, cheap)).toBe(true);
    for (const wrong of [
      "correct horsE",
      "correct horse ",
      "",
      "correct\u0000horse",
      "x".repeat(5000),
    ]) {
      expect(await verifyPassword(wrong, stored, cheap)).toBe(false);
    }
  });

  it("use a new salt for every hash", async () => {
    const stored = await Promise.all([1, 2, 3].map(() => hashPassword("same", cheap)));
    expect(new Set(stored).size).toBe(3);
  });

  it("store the parameters, and verify with the stored ones", async () => {
    const stored = await hashPassword("x", { ...cheap, iterations: 12 });
    expect(stored).toMatch(/^\$pbkdf2-sha256-chain\$i=12,c=100000\$[\w-]{22}\$[\w-]{43}$/);
    expect(await verifyPassword("x", stored, cheap)).toBe(true);
    expect(await verifyPassword("x", stored.replace("i=12,", "i=13,"), cheap)).toBe(false);
  });

  it("accept a password in either Unicode normalization form", async () => {
    const stored = await hashPassword("caf\u00e9", cheap);
    expect(await verifyPassword("cafe\u0301", stored, cheap)).toBe(true);
  });

  it.each([
    "",
    "plain",
    "$pbkdf2-sha256-chain$",
    "$pbkdf2-sha256$i=1,c=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "$pbkdf2-sha256-chain$i=1,c=1$AAAA$AAAA",
    "$pbkdf2-sha256-chain$i=999999999,c=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "$pbkdf2-sha256-chain$i=-1,c=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "$pbkdf2-sha256-chain$i=1,c=1$AAAAAAAAAAAAAAAAAAAAAB$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "$pbkdf2-sha256-chain$i=1,c=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
  ])("match nothing against the malformed text %j", async (stored) => {
    expect(await verifyPassword("", stored, cheap)).toBe(false);
    expect(await verifyPassword(stored, stored, cheap)).toBe(false);
    expect(needsRehash(stored, cheap)).toBe(true);
    expect(derivedIterations).toEqual([]);
  });
});

describe("needsRehash", () => {
  it("is true exactly if the parameters differ from the current ones", async () => {
    const stored = await hashPassword("x", cheap);
    expect(needsRehash(stored, cheap)).toBe(false);
    expect(needsRehash(stored, { ...cheap, iterations: 11 })).toBe(true);
    expect(needsRehash(stored.replace("c=100000", "c=5000"), cheap)).toBe(true);
    expect(needsRehash(stored, { ...cheap, peppers: await pepper("p1", 1) })).toBe(true);
  });
});

describe("dummyHash", () => {
  it("matches no password and costs as much as a real one", async () => {
    const dummy = dummyHash({ ...cheap, iterations: 250_000 });
    expect(await verifyPassword("", dummy, cheap)).toBe(false);
    expect(derivedIterations).toEqual([100_000, 100_000, 50_000]);
    expect(needsRehash(dummy, { ...cheap, iterations: 250_000 })).toBe(false);
  });
});

describe("a pepper", () => {
  it("is required, by its id, to verify a hash made with it", async () => {
    const peppers = await pepper("p1", 1);
    const stored = await hashPassword("x", { ...cheap, peppers });
    expect(stored).toContain(",p=p1$");
    expect(await verifyPassword("x", stored, { ...cheap, peppers })).toBe(true);
    expect(await verifyPassword("x", stored, cheap)).toBe(false);
    expect(await verifyPassword("x", stored, { ...cheap, peppers: await pepper("p1", 2) })).toBe(
      false,
    );
    expect(await verifyPassword("x", stored, { ...cheap, peppers: await pepper("p2", 1) })).toBe(
      false,
    );
  });

  it("that is older still verifies after a newer one, as does a hash without a pepper", async () => {
    const old = await pepper("p1", 1);
    const both = new Map([...(await pepper("p2", 2)), ...old]);
    const stored = await hashPassword("x", { ...cheap, peppers: old });
    const plain = await hashPassword("x", cheap);
    for (const text of [stored, plain]) {
      expect(await verifyPassword("x", text, { ...cheap, peppers: both })).toBe(true);
      expect(needsRehash(text, { ...cheap, peppers: both })).toBe(true);
    }
  });

  it("that was removed costs as much work and matches nothing, including a guess without it", async () => {
    const stored = await hashPassword("x", { ...cheap, peppers: await pepper("p1", 1) });
    derivedIterations.length = 0;
    expect(await verifyPassword("x", stored, cheap)).toBe(false);
    expect(derivedIterations).toEqual([10]);
    const renamed = (await hashPassword("x", cheap)).replace("c=100000", "c=100000,p=gone");
    expect(await verifyPassword("x", renamed, cheap)).toBe(false);
  });
});
