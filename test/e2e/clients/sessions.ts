import assert from "node:assert/strict";
import { importJWK, type JWK, SignJWT } from "jose";
import type {
  NewTokens,
  StoredTokens,
  TokenStorage,
} from "../../../clients/typescript/src/index.ts";
import { readVars } from "../../../scripts/lib/dev-vars.ts";
import { times } from "../client.ts";
import { countLogged, createUser, importClient, PASSWORD, type Scene } from "./test.ts";

const REFRESH = "/v1/auth/refresh";
const CALLS = 30;

/** A session goes on by one refresh for many calls, also if its answer is lost, and ends once. */
export async function testSessions(scene: Scene): Promise<string> {
  const username = await createUser(scene);
  const logIn = () => logInAs(scene, username);
  await refreshOnce(scene, { ...(await logIn()), expires_in: 0 });
  const tokens = await logIn();
  await refreshOnce(scene, { ...tokens, access_token: await toExpired(tokens.access_token) });
  await shareStorage(scene, { ...(await logIn()), expires_in: 0 });
  await loseAnswer(scene, { ...(await logIn()), expires_in: 0 });
  await survivePause(scene, { ...(await logIn()), expires_in: 0 });
  await endOnce(scene, await logIn());
  await logOut(scene, await logIn());
  await recoverStorage(scene);
  await logOutDuringRefresh(scene, { ...(await logIn()), expires_in: 0 });
  return `${CALLS} calls with an expired token make one refresh, and so do two clients with one storage`;
}

async function logInAs({ server }: Scene, username: string): Promise<NewTokens> {
  const response = await fetch(`${server.url}/v1/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password: PASSWORD }),
  });
  assert.equal(response.status, 200);
  return (await response.json()) as NewTokens;
}

/** The token as it will be once it has expired. */
async function toExpired(token: string): Promise<string> {
  const { keys } = JSON.parse(readVars(".dev.vars")?.SIGNING_KEYS ?? "") as { keys: JWK[] };
  const [key] = keys;
  assert.ok(key?.kid);
  const [, payload = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as { exp: number };
  return new SignJWT({ ...claims, exp: Math.floor(Date.now() / 1000) - 60 })
    .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: key.kid })
    .sign(await importJWK(key, "EdDSA"));
}

async function refreshOnce(scene: Scene, tokens: NewTokens): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const client = createRosterClient({ baseUrl: scene.server.url, tokens });
  const since = scene.server.readOutput().length;
  const answers = await Promise.all(times(CALLS, () => client.GET("/v1/auth/me")));
  assert.deepEqual(new Set(answers.map(({ response }) => response.status)), new Set([200]));
  assert.equal(await countLogged(scene, { route: REFRESH, since }), 1);
}

/** Two clients with one storage are as two tabs. */
async function shareStorage(scene: Scene, tokens: NewTokens): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const { access_token, refresh_token } = tokens;
  const storage = memoryStorage({ access_token, refresh_token, expires_at: Date.now() });
  const baseUrl = scene.server.url;
  const tabs = times(2, () => createRosterClient({ baseUrl, storage }));
  const since = scene.server.readOutput().length;
  const answers = await Promise.all(tabs.flatMap((tab) => times(5, () => tab.GET("/v1/auth/me"))));
  assert.deepEqual(new Set(answers.map(({ response }) => response.status)), new Set([200]));
  assert.equal(await countLogged(scene, { route: REFRESH, since }), 1);
  await tabs[0]?.logOut();
  assert.equal(await storage.load(), undefined);
}

function memoryStorage(tokens: StoredTokens): TokenStorage {
  let stored: StoredTokens | undefined = tokens;
  return {
    load: () => stored,
    save: (next) => {
      stored = next;
    },
  };
}

/** The service has rotated the token, but nobody knows: the retry gets the same successor. */
async function loseAnswer(scene: Scene, tokens: NewTokens): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  let lost = 0;
  const client = createRosterClient({
    baseUrl: scene.server.url,
    tokens,
    fetch: async (request) => {
      const response = await fetch(request);
      if (!request.url.endsWith(REFRESH) || lost > 0) return response;
      lost++;
      throw new TypeError("fetch failed");
    },
  });
  const { response } = await client.GET("/v1/auth/me");
  assert.deepEqual([response.status, lost], [200, 1]);
}

/** A service that is overloaded for longer ends no session. */
async function survivePause(scene: Scene, tokens: NewTokens): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  let isOverloaded = true;
  const client = createRosterClient({
    baseUrl: scene.server.url,
    tokens,
    onSessionEnd: () => assert.fail("the session has ended"),
    fetch: (request) =>
      isOverloaded && request.url.endsWith(REFRESH)
        ? Promise.resolve(new Response(null, { status: 503, headers: { "Retry-After": "60" } }))
        : fetch(request),
  });
  assert.equal((await client.GET("/v1/auth/me")).response.status, 503);
  isOverloaded = false;
  assert.equal((await client.GET("/v1/auth/me")).response.status, 200);
}

/** The session was ended elsewhere. */
async function endOnce(scene: Scene, tokens: NewTokens): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const reasons: string[] = [];
  const client = createRosterClient({
    baseUrl: scene.server.url,
    tokens,
    onSessionEnd: (reason) => reasons.push(reason),
  });
  await fetch(`${scene.server.url}/v1/auth/logout`, {
    method: "POST",
    headers: { Authorization: `Bearer ${tokens.access_token}` },
  });
  const answers = await Promise.all(times(5, () => client.GET("/v1/auth/me")));
  assert.deepEqual(new Set(answers.map(({ response }) => response.status)), new Set([401]));
  assert.deepEqual(reasons, ["refused"]);
  assert.equal(client.session.state, undefined);
}

async function logOut(scene: Scene, tokens: NewTokens): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const client = createRosterClient({ baseUrl: scene.server.url, tokens });
  await client.logOut();
  assert.equal(client.session.state, undefined);
  const headers = { Authorization: `Bearer ${tokens.access_token}` };
  assert.equal((await fetch(`${scene.server.url}/v1/auth/me`, { headers })).status, 401);
}

/** The answer of a refresh that comes after a logout does not bring the session back. */
async function logOutDuringRefresh(scene: Scene, tokens: NewTokens): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const client = createRosterClient({
    baseUrl: scene.server.url,
    tokens,
    fetch: async (request) => {
      const response = await fetch(request);
      if (request.url.endsWith(REFRESH)) await client.session.forget();
      return response;
    },
  });
  assert.equal((await client.GET("/v1/auth/me")).response.status, 401);
  assert.equal(client.session.state, undefined);
}

/** A storage that fails once costs one request. */
async function recoverStorage(scene: Scene): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const failures = [new Error("locked")];
  const client = createRosterClient({
    baseUrl: scene.server.url,
    storage: {
      load: () => {
        const failure = failures.pop();
        if (failure) throw failure;
        return undefined;
      },
      save: () => undefined,
    },
  });
  await assert.rejects(client.GET("/health"), /locked/);
  assert.equal((await client.GET("/health")).response.status, 200);
}
