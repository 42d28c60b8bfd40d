import type { Send } from "./client.ts";
import type { Run } from "./measure.ts";
import { type BenchServer, SEEDED_USER_ID } from "./server.ts";

const PASSWORD = "SecurePass123!";

export interface Scenario {
  name: string;
  /** Concurrent requests, 1 by default. */
  concurrency?: number;
  run: Run;
  /** The floor to compare with, and the maximum ratio of CPU times. */
  floor?: { run: Run; budget: number };
}

interface Session {
  access_token: string;
  refresh_token: string;
}

/** Registers the users who send the requests, and returns the operations to measure. */
export async function prepareScenarios(server: BenchServer): Promise<Scenario[]> {
  const { api } = server;
  await register(api, "boss");
  await server.promote("boss");
  const adaId = await register(api, "ada");
  await register(api, "grace");
  const boss = bearer(await logIn(api, "boss"));
  const ada = bearer(await logIn(api, "ada"));
  const { text } = await api("POST", "/v1/api-keys", {
    headers: boss,
    body: { name: "Benchmark", scopes: ["users:read"] },
  });
  const { key } = JSON.parse(text) as { key: string };
  const floors = createFloors(server.floor);
  let patches = 0;
  let registrations = 0;

  return [
    { name: "GET /health", run: () => api("GET", "/health") },
    {
      name: "GET /v1/users/me",
      run: () => api("GET", "/v1/users/me", { headers: ada }),
      floor: { run: floors.pointRead, budget: 1.3 },
    },
    { name: "GET /v1/auth/me", run: () => api("GET", "/v1/auth/me", { headers: ada }) },
    {
      name: "GET /v1/users/{id} by API key",
      run: () => api("GET", `/v1/users/${adaId}`, { headers: { "X-API-Key": key } }),
    },
    {
      name: "GET /v1/users?limit=100",
      run: () => api("GET", "/v1/users?limit=100", { headers: boss }),
      floor: { run: floors.page, budget: 1.6 },
    },
    {
      name: "PATCH /v1/users/me",
      run: () =>
        api("PATCH", "/v1/users/me", { headers: ada, body: { first_name: `Ada ${patches++}` } }),
      floor: { run: floors.write, budget: 3.2 },
    },
    {
      name: "POST /v1/auth/refresh",
      run: createRefresh(api, "ada"),
      floor: { run: floors.write, budget: 2.2 },
    },
    // Frequent logins end older sessions, so this user sends no other requests.
    {
      name: "POST /v1/auth/login",
      run: () => api("POST", "/v1/auth/login", { body: { username: "grace", password: PASSWORD } }),
    },
    {
      name: "POST /v1/auth/register",
      run: () => api("POST", "/v1/auth/register", { body: account(`new${registrations++}`) }),
    },
  ];
}

function createFloors(floor: Send) {
  let writes = 0;
  return {
    pointRead: () => floor("GET", `/point-read?id=${SEEDED_USER_ID}`),
    page: () => floor("GET", "/page"),
    write: () =>
      floor("POST", "/write", {
        body: { user_id: SEEDED_USER_ID, first_name: `Ada ${writes++}` },
      }),
  };
}

/** Each lane has its own session, because a refresh token can be used only once. */
function createRefresh(api: Send, username: string): Run {
  const sessions = new Map<number, Session>();
  return async function refresh(lane) {
    const session = sessions.get(lane) ?? (await logIn(api, username));
    const answer = await api("POST", "/v1/auth/refresh", {
      body: { refresh_token: session.refresh_token },
    });
    sessions.set(lane, JSON.parse(answer.text) as Session);
    return answer;
  };
}

function account(username: string) {
  return { username, email: `${username}@example.com`, password: PASSWORD };
}

async function register(api: Send, username: string): Promise<string> {
  await api("POST", "/v1/auth/register", { body: account(username) });
  const headers = bearer(await logIn(api, username));
  const { text } = await api("GET", "/v1/users/me", { headers });
  return (JSON.parse(text) as { id: string }).id;
}

async function logIn(api: Send, username: string): Promise<Session> {
  const { text } = await api("POST", "/v1/auth/login", { body: { username, password: PASSWORD } });
  return JSON.parse(text) as Session;
}

function bearer({ access_token }: Session) {
  return { Authorization: `Bearer ${access_token}` };
}
