import type { Send } from "./client.ts";
import { seededUserId } from "./fill.ts";
import type { LoadRequest, Task } from "./load.ts";
import {
  addPastSessions,
  createPerson,
  logIn,
  loginOf,
  type Person,
  setUpdatedAt,
} from "./people.ts";
import type { BenchServer } from "./server.ts";

/** More than connections, because a refresh token can be used only once, and some requests are prepared and never sent. */
const REFRESHED_SESSIONS = 32;
const RENAMED_PEOPLE = 32;
/** The length of `rrt_`. */
const TOKEN_PREFIX = 4;
const PAGE_SIZE = 100;
/** A time of change that every refresh takes for later than the one before: the year 3000. */
const NEVER_PAST = 32_503_680_000_000;

export interface Scenario {
  name: string;
  task: Task;
  floor?: Task;
  /** The greatest ratio of CPU times to aim for. */
  target?: number;
}

/** The floors by name. */
export type Floors = ReturnType<typeof createFloors>;

/** Creates the people who send the requests, and returns the operations to measure. */
export async function prepareScenarios(server: BenchServer): Promise<Scenario[]> {
  const { api, db, apiUrl, limitedUrl, quietUrl } = server;
  const boss = await createPerson(api, db, "boss", "admin");
  const ada = await createPerson(api, db, "ada");
  await createPerson(api, db, "grace");
  const past = await createPerson(api, db, "past");
  await addPastSessions(db, past.id);
  const changing = await createPerson(api, db, "changing");
  await setUpdatedAt(db, changing.id, NEVER_PAST);
  for (const { id } of [ada, past]) await setUpdatedAt(db, id, 0);
  const keyOf = (scopes: string[]) => createKey(api, boss.headers, scopes);
  const reader = await keyOf(["users:read"]);
  const introspector = await keyOf(["tokens:introspect"]);
  const { access_token: token } = await logIn(api, "ada");
  const etag = await readETag(apiUrl, boss.headers);
  // The one request that is allowed.
  await (await fetch(new URL("/v1/users/me", limitedUrl), { headers: ada.headers })).text();
  const cursor = await findLastCursor(api, boss.headers);
  const floors = createFloors(server);
  const send = (next: () => LoadRequest, status = 200): Task => ({ url: apiUrl, status, next });
  const get = (path: string, headers: Record<string, string>, status = 200) =>
    send(() => ({ method: "GET", path, headers }), status);
  let count = 0;
  const newUser = () => {
    count += 1;
    const username = `new${count}`;
    return { username, email: `${username}@example.com`, password: "SecurePass123!" };
  };
  const post = (path: string, body: () => unknown, headers: Record<string, string>, status = 200) =>
    send(() => ({ method: "POST", path, headers, body: body() }), status);

  return [
    scenario("GET /v1/users/me", get("/v1/users/me", ada.headers), floors.pointRead, 1.25),
    scenario(
      "GET /v1/users/me beside its statement",
      get("/v1/users/me", ada.headers),
      floors.callerRead(ada.headers),
    ),
    scenario(
      "GET /v1/users/me, not logged",
      { ...get("/v1/users/me", ada.headers), url: quietUrl },
      floors.pointRead,
    ),
    scenario(
      "GET /v1/users/{id}",
      get(`/v1/users/${seededUserId(5)}`, boss.headers),
      floors.pointRead,
      1.25,
    ),
    scenario(
      "GET /v1/users/me, 304",
      get("/v1/users/me", { ...boss.headers, "If-None-Match": etag }, 304),
      floors.pointRead,
    ),
    scenario("GET /v1/users/{id} by API key", get(`/v1/users/${ada.id}`, reader), floors.pointRead),
    scenario(
      "GET /v1/users, first 100",
      get("/v1/users?limit=100", boss.headers),
      floors.page,
      1.4,
    ),
    scenario(
      "GET /v1/users, last 100",
      get(`/v1/users?limit=100&cursor=${cursor}`, boss.headers),
      floors.page,
      1.4,
    ),
    scenario(
      "GET /v1/users, 100 by username",
      get("/v1/users?limit=100&sort=username", boss.headers),
      floors.page,
    ),
    scenario("GET /v1/users?q=…", get("/v1/users?q=user999&limit=100", boss.headers), floors.page),
    scenario("PATCH /v1/users/me", await createRename(server), floors.write, 2.5),
    scenario("POST /v1/auth/refresh", await createRefresh(server, "ada"), floors.write, 2),
    scenario(
      "refresh that writes its session record",
      await createRefresh(server, "changing"),
      floors.writeWithKv,
    ),
    scenario(
      "refresh, 10,000 past sessions",
      await createRefresh(server, "past"),
      floors.write,
      2.2,
    ),
    scenario(
      "POST /v1/auth/login",
      send(() => loginOf("grace")),
      floors.pbkdf2,
      1.08,
    ),
    scenario(
      "login, 10,000 past sessions",
      send(() => loginOf("past")),
      floors.pbkdf2,
      1.08,
    ),
    scenario("POST /v1/users", post("/v1/users", newUser, boss.headers, 201), floors.pbkdf2),
    scenario(
      "POST /v1/auth/introspect",
      post("/v1/auth/introspect", () => ({ token }), introspector),
      floors.kvRead,
      1.25,
    ),
    scenario(
      "401, invalid token",
      get("/v1/users/me", { Authorization: "Bearer x.y.z" }, 401),
      floors.hono,
    ),
    scenario(
      "429",
      {
        url: limitedUrl,
        status: 429,
        next: () => ({ method: "GET", path: "/v1/users/me", headers: ada.headers }),
      },
      floors.hono,
    ),
  ];
}

function scenario(name: string, task: Task, floor?: Task, target?: number): Scenario {
  return { name, task, ...(floor && { floor }), ...(target !== undefined && { target }) };
}

/** The work that operations cannot avoid. */
export function createFloors({ floorUrl }: Pick<BenchServer, "floorUrl">) {
  const get = (path: string): Task => ({
    url: floorUrl,
    status: 200,
    next: () => ({ method: "GET", path }),
  });
  let writes = 0;
  const writeTo = (path: string): Task => ({
    url: floorUrl,
    status: 200,
    next() {
      writes += 1;
      const body = { user_id: seededUserId(0), first_name: `Ada ${writes}` };
      return { method: "POST", path, body };
    },
  });
  return {
    hono: get("/hono"),
    pointRead: get(`/point-read?id=${seededUserId(0)}`),
    /** The statement of a read of one's own account, and nothing else. */
    callerRead: (headers: Person["headers"]) => get(`/caller-read?id=${sessionIdOf(headers)}`),
    page: get("/page"),
    kvRead: get("/kv-read"),
    pbkdf2: get("/pbkdf2"),
    write: writeTo("/write"),
    writeWithKv: writeTo("/write-with-kv"),
  };
}

function sessionIdOf({ Authorization = "" }: Person["headers"]): string {
  const [, claims = ""] = Authorization.split(".");
  const { sid } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { sid: string };
  return sid;
}

async function createKey(api: Send, headers: Record<string, string>, scopes: string[]) {
  const body = { name: `Benchmark ${scopes.join(" ")}`, scopes };
  const { text } = await api("POST", "/v1/api-keys", { headers, body });
  return { "X-API-Key": (JSON.parse(text) as { key: string }).key };
}

/** The cursor of the last full page of all users. */
async function findLastCursor(api: Send, headers: Record<string, string>): Promise<string> {
  let cursor = "";
  let previous = "";
  for (;;) {
    const after = cursor && `&cursor=${cursor}`;
    const { text } = await api("GET", `/v1/users?limit=${PAGE_SIZE}${after}`, { headers });
    const { next_cursor: next } = (
      JSON.parse(text) as { pagination: { next_cursor: string | null } }
    ).pagination;
    if (next === null) return previous;
    previous = cursor;
    cursor = next;
  }
}

async function readETag(url: URL, headers: Record<string, string>): Promise<string> {
  const response = await fetch(new URL("/v1/users/me", url), { headers });
  await response.text();
  return response.headers.get("ETag") ?? "";
}

/** Uses a session again only once the response to its latest refresh has come. */
async function createRefresh({ api, apiUrl }: BenchServer, username: string): Promise<Task> {
  const tokens = new Map<string, string>();
  const inUse = new Set<string>();
  const remember = (text: string) => {
    const { refresh_token: token } = JSON.parse(text) as { refresh_token: string };
    const sessionId = Buffer.from(token.slice(TOKEN_PREFIX), "base64url").toString("hex", 0, 16);
    tokens.set(sessionId, token);
    inUse.delete(sessionId);
  };
  for (let session = 0; session < REFRESHED_SESSIONS; session += 1) {
    remember(JSON.stringify(await logIn(api, username)));
  }
  return {
    url: apiUrl,
    status: 200,
    begin: () => inUse.clear(),
    next() {
      const [sessionId, token] = [...tokens].find(([id]) => !inUse.has(id)) ?? ["", ""];
      inUse.add(sessionId);
      return { method: "POST", path: "/v1/auth/refresh", body: { refresh_token: token } };
    },
    received: remember,
  };
}

/** People change their own names in turn, so that no change meets another of the same account. */
async function createRename({ api, apiUrl, db }: BenchServer): Promise<Task> {
  const people: Person[] = [];
  for (let index = 0; index < RENAMED_PEOPLE; index += 1) {
    people.push(await createPerson(api, db, `renamed${index}`));
  }
  let count = 0;
  return {
    url: apiUrl,
    status: 200,
    next() {
      count += 1;
      const headers = people[count % people.length]?.headers ?? {};
      return {
        method: "PATCH",
        path: "/v1/users/me",
        headers,
        body: { first_name: `Ada ${count}` },
      };
    },
  };
}
