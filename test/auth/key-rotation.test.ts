import { env } from "cloudflare:workers";
import { decodeProtectedHeader, type JWK } from "jose";
import { describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";
import { jwkSet, newSigningJwk, octJwk, SIGNING_JWK } from "../support/tokens.ts";

const [OLD_MAC] = (JSON.parse(env.MAC_KEYS) as { keys: JWK[] }).keys;
const NEW_MAC = octJwk("next", 7);
const NO_IO = { queries: 0, kvReads: 0, kvWrites: 0 };

const withMac = (...keys: unknown[]) => createIsolate({ MAC_KEYS: jwkSet(...keys) });
const withSigning = (...keys: unknown[]) => createIsolate({ SIGNING_KEYS: jwkSet(...keys) });

const refresh = (refresh_token: string, bindings?: Cloudflare.Env) =>
  send("/v1/auth/refresh", { body: { refresh_token }, ...(bindings && { bindings }) });

describe("rotation of MAC_KEYS", () => {
  it("accepts refresh tokens of the old key, and each refresh returns one of the new key", async () => {
    const { refreshToken } = await createTestUser();
    const overlap = withMac(NEW_MAC, OLD_MAC);
    const first = await refresh(refreshToken, overlap);
    expect(first.status).toBe(200);
    const second = await refresh(first.body.refresh_token, withMac(NEW_MAC));
    expect(second.status).toBe(200);
  });

  it("refuses tokens of a removed key without I/O, and leaves their session unchanged", async () => {
    const { refreshToken, token } = await createTestUser();
    const refused = await refresh(refreshToken, withMac(NEW_MAC));
    expectProblem(refused, 401, "invalid_refresh_token");
    expect(costOf(refused)).toMatchObject(NO_IO);
    expect((await send("/v1/auth/me", { token })).status).toBe(200);
    expect((await refresh(refreshToken)).status).toBe(200);
  });

  it("between a refresh and its retry does not fork the session: both successors have the same generation", async () => {
    const { refreshToken } = await createTestUser();
    const overlap = withMac(NEW_MAC, OLD_MAC);
    const first = await refresh(refreshToken);
    const retry = await refresh(refreshToken, overlap);
    expect([first.status, retry.status]).toEqual([200, 200]);
    const next = [
      await refresh(first.body.refresh_token, overlap),
      await refresh(retry.body.refresh_token, overlap),
    ];
    expect(next.map(({ status }) => status)).toEqual([200, 200]);
    expect(next[0]?.body.refresh_token).toBe(next[1]?.body.refresh_token);
  });

  it("accepts cursors of the old key, and refuses those of a removed one", async () => {
    const { token } = await createTestUser("admin");
    await createTestUser();
    const { body } = await send("/v1/users?limit=1", { token });
    const next = `/v1/users?limit=1&cursor=${body.pagination.next_cursor}`;
    expect((await send(next, { token, bindings: withMac(NEW_MAC, OLD_MAC) })).status).toBe(200);
    const refused = await send(next, { token, bindings: withMac(NEW_MAC) });
    expectProblem(refused, 422, "validation_failed");
  });
});

describe("rotation of SIGNING_KEYS", () => {
  it("publishes old and new keys while both verify, without private parts", async () => {
    const next = await newSigningJwk("next");
    const kidsOf = async (bindings: Cloudflare.Env) => {
      const { body, text } = await send("/.well-known/jwks.json", { bindings });
      expect(text).not.toContain('"d"');
      return (body.keys as JWK[]).map(({ kid }) => kid);
    };
    expect(await kidsOf(withSigning(next, SIGNING_JWK))).toEqual(["next", SIGNING_JWK.kid]);
    expect(await kidsOf(withSigning(next))).toEqual(["next"]);
  });

  it("publishes and verifies with every key, and signs only with the first", async () => {
    const next = await newSigningJwk("next");
    const { refreshToken } = await createTestUser();
    const { body } = await refresh(refreshToken, withSigning(SIGNING_JWK, next));
    expect(decodeProtectedHeader(body.access_token).kid).toBe(SIGNING_JWK.kid);
    const early = await refresh(body.refresh_token, withSigning(next, SIGNING_JWK));
    const token = early.body.access_token;
    expect(decodeProtectedHeader(token).kid).toBe("next");
    const bindings = withSigning(SIGNING_JWK, next);
    expect((await send("/v1/auth/me", { token, bindings })).status).toBe(200);
  });

  it("refuses tokens of a removed key without I/O, and a refresh returns a valid one", async () => {
    const { token, refreshToken } = await createTestUser();
    const bindings = withSigning(await newSigningJwk("next"));
    const refused = await send("/v1/auth/me", { token, bindings });
    expectProblem(refused, 401, "unauthenticated");
    expect(costOf(refused)).toMatchObject(NO_IO);
    const { body } = await refresh(refreshToken, bindings);
    expect((await send("/v1/auth/me", { token: body.access_token, bindings })).status).toBe(200);
  });

  it("refuses another key with the old kid", async () => {
    const { token } = await createTestUser();
    const bindings = withSigning(await newSigningJwk(SIGNING_JWK.kid));
    expectProblem(await send("/v1/auth/me", { token, bindings }), 401, "unauthenticated");
  });
});
