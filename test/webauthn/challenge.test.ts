import { base64url } from "jose";
import { describe, expect, it } from "vitest";
import { mintChallenge, verifyChallenge } from "../../src/lib/webauthn/challenge.ts";
import { readClientData } from "../../src/lib/webauthn/client-data.ts";
import { flip } from "./ceremonies.ts";
import { macKeys } from "./keys.ts";

const ADA = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";
const BOB = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e12";
const EXPIRES_AT = 1_800_000_000_123;
const MFA = { purpose: "mfa", userId: ADA } as const;
const KEYS = await macKeys("A");
const WRONG = { isVerified: false, reason: "wrong_challenge" };

const mint = () => mintChallenge({ ...MFA, expiresAt: EXPIRES_AT }, KEYS);

describe("a challenge", () => {
  it("has 72 characters, and states its expiry to the millisecond", async () => {
    const text = await mint();
    expect(text).toMatch(/^[\w-]{72}$/);
    expect(await verifyChallenge(text, MFA, KEYS, EXPIRES_AT - 1)).toEqual({
      isVerified: true,
      id: base64url.encode(base64url.decode(text).slice(0, 16)),
      expiresAt: EXPIRES_AT,
    });
  });

  it("is another each time", async () => {
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const verdict = await verifyChallenge(await mint(), MFA, KEYS, 0);
        return verdict.isVerified ? verdict.id : verdict.reason;
      }),
    );
    expect(new Set(ids).size).toBe(20);
  });

  it("is expired from its expiry on", async () => {
    expect(await verifyChallenge(await mint(), MFA, KEYS, EXPIRES_AT)).toEqual({
      isVerified: false,
      reason: "expired_challenge",
    });
  });

  it("serves one purpose and one person", async () => {
    const text = await mint();
    for (const purpose of ["register", "step_up"] as const) {
      expect(await verifyChallenge(text, { purpose, userId: ADA }, KEYS, 0)).toEqual(WRONG);
    }
    expect(await verifyChallenge(text, { purpose: "login" }, KEYS, 0)).toEqual(WRONG);
    expect(await verifyChallenge(text, { ...MFA, userId: BOB }, KEYS, 0)).toEqual(WRONG);
    const login = await mintChallenge({ purpose: "login", expiresAt: EXPIRES_AT }, KEYS);
    expect(await verifyChallenge(login, MFA, KEYS, 0)).toEqual(WRONG);
    expect(await verifyChallenge(login, { purpose: "login" }, KEYS, 0)).toMatchObject({
      isVerified: true,
    });
  });

  it("is valid while any of the keys is its own", async () => {
    const text = await mint();
    expect(await verifyChallenge(text, MFA, await macKeys("B", "A"), 0)).toMatchObject({
      isVerified: true,
    });
    expect(await verifyChallenge(text, MFA, await macKeys("B"), 0)).toEqual(WRONG);
  });

  it("with any bit flipped, cut, longer or padded is refused", async () => {
    const text = await mint();
    for (let bit = 0; bit < 54 * 8; bit += 1) {
      expect(await verifyChallenge(flip(text, bit >> 3, 1 << (bit & 7)), MFA, KEYS, 0)).toEqual(
        WRONG,
      );
    }
    for (const other of [
      "",
      text.slice(0, -1),
      text.slice(0, -4),
      `${text}AAAA`,
      `${text}=`,
      "!",
    ]) {
      expect(await verifyChallenge(other, MFA, KEYS, 0)).toEqual(WRONG);
    }
  });

  it("is read from client data as it stands there, or not at all", () => {
    const encode = (value: unknown) => base64url.encode(JSON.stringify(value));
    const clientData = { type: "webauthn.get", challenge: "AAAA", origin: "https://example.org" };
    expect(readClientData(encode(clientData))?.challenge).toBe("AAAA");
    for (const text of ["", "e30", encode({ ...clientData, challenge: 1 }), encode(null)]) {
      expect(readClientData(text)).toBeUndefined();
    }
  });
});
