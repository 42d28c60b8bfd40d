import assert from "node:assert/strict";
import type { Verify } from "../../../clients/verify/src/index.ts";
import { times } from "../client.ts";
import { importVerify, type Scene } from "./test.ts";
import { AUDIENCE, type Issuer, startIssuer } from "./tokens.ts";

const OTHER_ISSUER = "https://accounts.example.com";

/** What `roster-verify` accepts and refuses, with keys that this test serves. */
export async function testVerifier(scene: Scene): Promise<string> {
  const issuer = await startIssuer();
  try {
    const count = await refuseForgeries(scene, issuer);
    await followRotation(scene, issuer);
    await askRoster(scene, issuer);
    await closeWithoutKeys(scene, issuer);
    return `${count} kinds of wrong tokens are refused, new keys are found, and nothing passes without an answer`;
  } finally {
    await issuer.close();
  }
}

async function createVerify(scene: Scene, issuer: Issuer, options: object = {}) {
  const { createVerifier } = await importVerify(scene);
  return createVerifier({ issuer: issuer.url, audience: AUDIENCE, ...options });
}

async function assertRefused(verify: Verify, header: string | undefined, expected: string) {
  const code = await verify(header).then(
    () => "accepted",
    (error: { code: string }) => error.code,
  );
  assert.equal(code, expected, header);
}

async function refuseForgeries(scene: Scene, issuer: Issuer): Promise<number> {
  const verify = await createVerify(scene, issuer);
  const now = Math.floor(Date.now() / 1000);
  const sound = await issuer.sign();
  const principal = await verify(`Bearer ${sound}`);
  assert.deepEqual([...principal.permissions], ["invoices:approve"]);
  assert.equal((await verify(`bearer ${sound}`)).userId, principal.userId);
  const [header = "", payload = "", signature = ""] = sound.split(".");
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const forged = encode({ ...JSON.parse(atob(payload)), scope: "users:read" });
  const stranger = await startIssuer();
  const wrong = {
    expired: await issuer.sign({ exp: now - 60 }),
    "not yet valid": await issuer.sign({ nbf: now + 60 }),
    "of another issuer": await issuer.sign({ iss: OTHER_ISSUER }),
    "for another audience": await issuer.sign({ aud: "billing" }),
    "of another type": await issuer.sign({}, { typ: "JWT" }),
    "without a type": await issuer.sign({}, { typ: "" }),
    "without exp": await issuer.sign({ exp: undefined }),
    "without sid": await issuer.sign({ sid: undefined }),
    "with a scope that is no text": await issuer.sign({ scope: ["invoices:approve"] }),
    "with an unknown key": await issuer.sign({}, { kid: "unknown" }),
    "signed by a stranger": await stranger.sign({ iss: issuer.url }),
    "with alg none": `${encode({ alg: "none", typ: "at+jwt" })}.${payload}.`,
    "with alg HS256": `${encode({ alg: "HS256", typ: "at+jwt" })}.${payload}.${signature}`,
    "with forged claims": `${header}.${forged}.${signature}`,
    "without its signature": `${header}.${payload}.`,
    "an API key": "rstk_0123456789abcdefghijklmnopqrstuvwxyz",
    "too long": "a".repeat(20_000),
  };
  await stranger.close();
  for (const token of Object.values(wrong)) {
    await assertRefused(verify, `Bearer ${token}`, "invalid_token");
  }
  await assertRefused(verify, `Basic ${sound}`, "invalid_token");
  await assertRefused(verify, undefined, "unauthenticated");
  const strict = await createVerify(scene, issuer, { permissions: ["invoices:delete"] });
  await assertRefused(strict, `Bearer ${sound}`, "insufficient_scope");
  return Object.keys(wrong).length;
}

/** A new key is found without a restart; unknown keys do not make the service ask again and again. */
async function followRotation(scene: Scene, issuer: Issuer): Promise<void> {
  const verify = await createVerify(scene, issuer, { jwksCooldownSeconds: 0 });
  const old = await issuer.sign();
  await verify(`Bearer ${old}`);
  await issuer.rotate();
  await verify(`Bearer ${await issuer.sign()}`);
  await verify(`Bearer ${old}`);
  const calm = await createVerify(scene, issuer);
  const before = issuer.requests();
  const unknown = await issuer.sign({}, { kid: "unknown" });
  for (let round = 0; round < 5; round++) {
    await assertRefused(calm, `Bearer ${unknown}`, "invalid_token");
  }
  assert.equal(issuer.requests() - before, 1);
}

/** Faults that Roster does not have here. The service itself introspects in services.ts. */
async function askRoster(scene: Scene, issuer: Issuer): Promise<void> {
  let answer: () => Response | Promise<Response> = () => new Response("", { status: 500 });
  let asked = 0;
  const causes: unknown[] = [];
  const verify = await createVerify(scene, issuer, {
    introspect: { apiKey: "rstk_test", cacheSeconds: 60 },
    onError: ({ cause }: Error) => causes.push(cause),
    fetch: async (request: Request) => {
      if (!request.url.endsWith("/introspect")) return fetch(request);
      asked++;
      return answer();
    },
  });
  const header = `Bearer ${await issuer.sign()}`;
  const failures = [
    answer,
    () => new Response("", { status: 403 }),
    () => Promise.reject(new TypeError("fetch failed")),
    () => new Response("not JSON"),
  ];
  for (answer of failures) await assertRefused(verify, header, "verification_unavailable");
  assert.deepEqual([asked, causes.length], [4, 4]);
  const { userId } = await (await createVerify(scene, issuer))(header);
  const active = { active: true, sub: userId, role: "support", scope: "users:read" };
  answer = () => Response.json(active);
  const principals = await Promise.all(times(10, () => verify(header)));
  assert.deepEqual([...(principals[0]?.permissions ?? [])], ["users:read"]);
  assert.equal(asked, 5);
  answer = () => Response.json({ active: false });
  const another = `Bearer ${await issuer.sign()}`;
  for (let round = 0; round < 2; round++) await assertRefused(verify, another, "invalid_token");
  assert.equal(asked, 6);
}

async function closeWithoutKeys(scene: Scene, issuer: Issuer): Promise<void> {
  const header = `Bearer ${await issuer.sign()}`;
  issuer.fail(503);
  const verify = await createVerify(scene, issuer);
  await assertRefused(verify, header, "verification_unavailable");
  issuer.fail(200);
  await verify(header);
}
