import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import type { RosterClient } from "../../../clients/typescript/src/index.ts";
import { times } from "../client.ts";
import { createAdmin, createUser, importClient, type Scene } from "./test.ts";

/** Errors, lists, conditional changes, API keys, idempotency keys, bookmarks and retries. */
export async function testRequests(scene: Scene): Promise<string> {
  await throwProblems(scene);
  await walkList(scene);
  await changeTogether(scene);
  await useKey(scene);
  await createOnce(scene);
  await keepBookmark(scene);
  await keepCredentials(scene);
  await retryWhenTold(scene);
  return "problems, lists, changes and keys are as documented; a creation whose answer was lost is made once";
}

async function throwProblems(scene: Scene): Promise<void> {
  const { admin } = scene;
  const { isProblem, ok, RosterProblem } = await importClient(scene);
  const missing = { params: { path: { id: crypto.randomUUID() } } };
  const error = await ok(admin.GET("/v1/users/{id}", missing)).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof RosterProblem && isProblem(error, "user_not_found", "forbidden"));
  assert.deepEqual([error.status, error.code], [404, "user_not_found"]);
  assert.equal(error.requestId, error.body.request_id);
  const invalid = { username: "x", email: "not an address" };
  const faulty = await ok(admin.POST("/v1/users", { body: invalid })).catch((thrown) => thrown);
  assert.ok(isProblem(faulty, "validation_failed"));
  assert.deepEqual(faulty.errors.map(({ path }) => path).sort(), ["email", "username"]);
}

async function walkList(scene: Scene): Promise<void> {
  const { admin } = scene;
  const { paginate } = await importClient(scene);
  const names = await Promise.all(times(5, () => createUser(scene)));
  const found: string[] = [];
  const query = { limit: 2, sort: "username", role: "user" } as const;
  for await (const { username } of paginate(admin, "/v1/users", { params: { query } })) {
    found.push(username);
  }
  assert.deepEqual(found, found.toSorted());
  assert.equal(new Set(found).size, found.length);
  for (const name of names) assert.ok(found.includes(name));
}

/** Two changes of one version: the one that comes second reads again. */
async function changeTogether(scene: Scene): Promise<void> {
  const { admin } = scene;
  const { changeCurrent, ifMatch, ok, okWithTag } = await importClient(scene);
  const path = { id: (await findUser(scene, await createUser(scene))).id };
  const seen: string[] = [];
  const meet = barrier(2);
  const change = (first_name: string) =>
    changeCurrent(
      () => okWithTag(admin.GET("/v1/users/{id}", { params: { path } })),
      async ({ data, etag }) => {
        seen.push(`${first_name} after ${data.first_name}`);
        await meet();
        const params = { path, header: ifMatch(etag) };
        return ok(admin.PATCH("/v1/users/{id}", { params, body: { first_name } }));
      },
    );
  await Promise.all([change("Ada"), change("Grace")]);
  assert.equal(seen.length, 3);
}

function barrier(count: number): () => Promise<void> {
  let waiting = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  return () => {
    waiting++;
    if (waiting >= count) resolve();
    return promise;
  };
}

async function findUser(scene: Scene, username: string) {
  const { admin } = scene;
  const { ok } = await importClient(scene);
  const { data } = await ok(admin.GET("/v1/users", { params: { query: { q: username } } }));
  const [user] = data;
  assert.ok(user);
  return user;
}

async function useKey(scene: Scene): Promise<void> {
  const { admin } = scene;
  const { createRosterClient, ok } = await importClient(scene);
  const body = { name: "Reader", scopes: ["users:read"] as ["users:read"] };
  const { key, id } = await ok(admin.POST("/v1/api-keys", { body }));
  const reader = createRosterClient({ baseUrl: scene.server.url, apiKey: key });
  assert.equal((await reader.GET("/v1/users")).response.status, 200);
  assert.equal((await reader.GET("/v1/roles")).response.status, 403);
  await ok(admin.DELETE("/v1/api-keys/{id}", { params: { path: { id } } }));
  assert.equal((await reader.GET("/v1/users")).response.status, 401);
}

/** The answer of a creation is lost. The retry has the same key, and gets it again. */
async function createOnce(scene: Scene): Promise<void> {
  let lost = 0;
  const keys = new Set<string | null>();
  const admin = await createAdmin(scene, {
    retry: {},
    fetch: async (request) => {
      const response = await fetch(request);
      if (!request.url.endsWith("/v1/users")) return response;
      keys.add(request.headers.get("Idempotency-Key"));
      if (lost > 0) return response;
      lost++;
      throw new TypeError("fetch failed");
    },
  });
  const username = `user-${crypto.randomUUID()}`;
  const body = { username, email: `${username}@example.com`, password: "SecurePass123!" };
  const { response, data } = await admin.POST("/v1/users", { body });
  assert.equal(response.status, 201);
  assert.equal(response.headers.get("Idempotency-Replayed"), "true");
  assert.deepEqual([lost, keys.size], [1, 1]);
  assert.equal((await findUser(scene, username)).id, data?.id);
}

/** The bookmark of a response goes with the next request. */
async function keepBookmark(scene: Scene): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const sent: (string | null)[] = [];
  const client = createRosterClient({
    baseUrl: "https://accounts.example.com",
    apiKey: "rstk_test",
    fetch: async ({ headers }) => {
      sent.push(headers.get("X-D1-Bookmark"));
      return Response.json({}, { headers: sent.length < 2 ? { "X-D1-Bookmark": "b-1" } : {} });
    },
  });
  for (let index = 0; index < 3; index++) await client.GET("/v1/users");
  assert.deepEqual(sent, [null, "b-1", "b-1"]);
}

/** Credentials go to Roster only. */
async function keepCredentials(scene: Scene): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const sent: Request[] = [];
  const client = createRosterClient({
    baseUrl: "https://accounts.example.com",
    apiKey: "rstk_test",
    fetch: async (request) => {
      sent.push(request);
      return new Response(null, { status: 302, headers: { Location: "https://example.org" } });
    },
  });
  const elsewhere = { baseUrl: "https://example.org" };
  await assert.rejects(client.GET("/v1/users", elsewhere), TypeError);
  assert.equal((await client.GET("/v1/users")).response.status, 302);
  assert.deepEqual(
    sent.map(({ redirect }) => redirect),
    ["manual"],
  );
}

/** Only faults that this worker does not have: 429 and 503 with `Retry-After`, and answers that are lost. */
async function retryWhenTold(scene: Scene): Promise<void> {
  const { createRosterClient } = await importClient(scene);
  const send = async (answers: (number | undefined)[], work: (client: RosterClient) => unknown) => {
    let sent = 0;
    const client = createRosterClient({
      baseUrl: "https://accounts.example.com",
      apiKey: "rstk_test",
      retry: { attempts: 3, maxWaitSeconds: 2 },
      fetch: async () => {
        const status = answers[sent++];
        if (status === undefined) throw new TypeError("fetch failed");
        const headers = { "Retry-After": status === 429 ? "0.01" : status === 503 ? "0.02" : "60" };
        return new Response("{}", { status, headers: status === 200 ? {} : headers });
      },
    });
    await Promise.resolve(work(client)).catch(() => undefined);
    return sent;
  };
  const get = (client: RosterClient) => client.GET("/v1/users");
  const logIn = (client: RosterClient) =>
    client.POST("/v1/auth/login", { body: { username: "ada", password: "x" } });
  const change = (client: RosterClient) =>
    client.PATCH("/v1/users/{id}", {
      params: { path: { id: "me" }, header: { "If-Match": '"1"' } },
      body: {},
    });
  const counts = {
    limited: await send([429, 503, 200], get),
    "at most three times": await send([503, 503, 503, 503], get),
    lost: await send([undefined, 200], get),
    "a login, limited": await send([429, 200], logIn),
    "a login, overloaded": await send([503, 200], logIn),
    "a login, lost": await send([undefined, 200], logIn),
    "with If-Match": await send([503, 200], change),
    "another error": await send([500, 200], get),
  };
  assert.deepEqual(Object.values(counts), [3, 3, 2, 2, 1, 1, 1, 1]);
  const controller = new AbortController();
  const aborted = send([503, 200], (client) => {
    void setTimeout(5).then(() => controller.abort());
    return client.GET("/v1/users", { signal: controller.signal });
  });
  assert.equal(await aborted, 1);
}
