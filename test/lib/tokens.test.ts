import { base64url } from "jose";
import { describe, expect, it } from "vitest";
import { mintAccessToken, verifyAccessToken } from "../../src/lib/access-token.ts";
import { importMacKeys, importSigningKeys } from "../../src/lib/jwk.ts";
import { mintRefreshToken, verifyRefreshToken } from "../../src/lib/refresh-token.ts";
import { jwkSet, newSigningJwk, octJwk } from "../support/tokens.ts";

const SESSION = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

async function macKeys(...names: ("A" | "B")[]): Promise<CryptoKey[]> {
  const keys = names.map((name) => octJwk(name, name.charCodeAt(0)));
  return [...(await importMacKeys(jwkSet(...keys))).values()];
}

describe("a refresh token", () => {
  it("round-trips session and generation, up to 48 bits", async () => {
    const keys = await macKeys("A");
    for (const generation of [1, 2, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1]) {
      const token = await mintRefreshToken({ sessionId: SESSION, generation }, keys);
      expect(token).toMatch(/^rrt_[\w-]{72}$/);
      expect(await verifyRefreshToken(token, keys)).toEqual({ sessionId: SESSION, generation });
    }
  });

  it("is a function of its claims: always the same text, and a different one for each generation", async () => {
    const keys = await macKeys("A");
    const mint = (generation: number) => mintRefreshToken({ sessionId: SESSION, generation }, keys);
    expect(await mint(1)).toBe(await mint(1));
    expect(await mint(1)).not.toBe(await mint(2));
  });

  it("verifies with any of the service's keys, is signed with the first, and is invalid for another key", async () => {
    const claims = { sessionId: SESSION, generation: 3 };
    const token = await mintRefreshToken(claims, await macKeys("A"));
    expect(await verifyRefreshToken(token, await macKeys("B", "A"))).toEqual(claims);
    expect(await verifyRefreshToken(token, await macKeys("B"))).toBeUndefined();
    expect(await mintRefreshToken(claims, await macKeys("A", "B"))).toBe(token);
  });

  it("with any bit flipped, truncated, padded or with another prefix is invalid", async () => {
    const keys = await macKeys("A");
    const token = await mintRefreshToken({ sessionId: SESSION, generation: 1 }, keys);
    const bytes = base64url.decode(token.slice(4));
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Uint8Array.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const text = base64url.encode(flipped);
      expect(await verifyRefreshToken(`rrt_${text}`, keys)).toBeUndefined();
    }
    const others = [
      token.slice(0, -1),
      `${token}A`,
      `${token}==`,
      token.slice(4),
      `RRT_${token.slice(4)}`,
      "",
      "rrt_",
      `rrt_${"!".repeat(72)}`,
    ];
    for (const other of others) expect(await verifyRefreshToken(other, keys)).toBeUndefined();
  });

  it("signed over bytes that are not a UUID is invalid", async () => {
    const keys = await macKeys("A");
    const body = new Uint8Array(22).fill(0xff, 6, 9);
    const head = new TextEncoder().encode("roster refresh token v1\n");
    const [key] = keys;
    if (!key) throw new Error("no key");
    const mac = await crypto.subtle.sign("HMAC", key, Uint8Array.from([...head, ...body]));
    const token = Uint8Array.from([...body, ...new Uint8Array(mac)]);
    const text = base64url.encode(token);
    expect(await verifyRefreshToken(`rrt_${text}`, keys)).toBeUndefined();
  });

  it("cannot be created without a key", async () => {
    await expect(mintRefreshToken({ sessionId: SESSION, generation: 1 }, [])).rejects.toThrow(
      "no MAC key",
    );
  });
});

describe("an access token", () => {
  const settings = { issuer: "i", audience: "a", ttlSeconds: 900 };
  const authentication = { authTime: 1_800_000_000_000, acr: "aal1", amr: ["pwd"] };
  const user = { userId: SESSION, sessionId: SESSION, role: "user", permissions: ["users:read"] };
  const claims = { ...user, ...authentication };

  it("verifies until it expires, for its issuer and audience only", async () => {
    const keys = await importSigningKeys(jwkSet(await newSigningJwk()));
    const now = 1_800_000_000_000;
    const token = await mintAccessToken(claims, keys, settings, now);
    const verify = (changes: Partial<typeof settings>, at: number) =>
      verifyAccessToken(token, keys, { ...settings, ...changes }, at);
    expect(await verify({}, now + 899_999)).toMatchObject({ userId: SESSION, sessionId: SESSION });
    expect(await verify({}, now + 900_000)).toBeUndefined();
    expect(await verify({ issuer: "j" }, now)).toBeUndefined();
    expect(await verify({ audience: "b" }, now)).toBeUndefined();
  });

  it("cannot be created without a key", async () => {
    await expect(mintAccessToken(claims, new Map(), settings, 0)).rejects.toThrow("no signing key");
  });
});
