import assert from "node:assert/strict";
import { createRosterClient, paginate } from "../../clients/typescript/src/index.ts";

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, string>;
}

export interface Credentials {
  id: string;
  username: string;
  email: string;
  password: string;
  token: string;
  refreshToken: string;
}

interface Login {
  username: string;
  password: string;
}

/**
 * A response that is not from the worker, or none: the proxy of `wrangler dev` occasionally loses a request on a kept-alive
 * connection (github.com/cloudflare/workers-sdk/issues/14641).
 */
export class ProxyError extends Error {}

export type Client = Awaited<ReturnType<typeof createClient>>;

export const times = <T>(count: number, work: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => work(index));

/** A client of the worker at `url`, logged in as its administrator. */
export async function createClient(url: string, admin: Login) {
  const send = async (
    method: string,
    path: string,
    { body, token, headers }: { body?: unknown; token?: string; headers?: HeadersInit } = {},
  ): Promise<Answer> => {
    const all = new Headers(headers);
    if (token) all.set("Authorization", `Bearer ${token}`);
    if (body !== undefined) all.set("Content-Type", "application/json");
    const init = {
      method,
      headers: all,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    const response = await fetch(url + path, init).catch((error: Error) => {
      throw new ProxyError(`${method} ${path}: ${error.message}`, { cause: error });
    });
    const text = await response.text();
    if (!response.headers.has("X-Request-Id")) throw new ProxyError(text);
    return {
      status: response.status,
      headers: response.headers,
      body: text ? JSON.parse(text) : {},
    };
  };
  const post = (path: string, body?: unknown, token = "") => send("POST", path, { body, token });
  const get = (path: string, token: string) => send("GET", path, { token });

  const logIn = async ({ username, password }: Login): Promise<Credentials> => {
    const { status, body } = await post("/v1/auth/login", { username, password });
    assert.equal(status, 200, `login returned ${status}`);
    const token = body.access_token ?? "";
    const { body: user } = await get("/v1/users/me", token);
    const refreshToken = body.refresh_token ?? "";
    return {
      id: user.id ?? "",
      username,
      email: user.email ?? "",
      password,
      token,
      refreshToken,
    };
  };

  const loggedIn = await logIn(admin);

  return {
    admin: loggedIn,
    send,
    post,
    get,
    logIn,
    put: (path: string, body: unknown, token: string, headers: HeadersInit = {}) =>
      send("PUT", path, { body, token, headers }),
    patch: (path: string, body: unknown, token: string) => send("PATCH", path, { body, token }),
    delete: (path: string, token: string) => send("DELETE", path, { token }),
    refresh: (refresh_token: string) => post("/v1/auth/refresh", { refresh_token }),

    /** Registers a user and logs them in. */
    newUser: async (): Promise<Credentials> => {
      const account = newAccount();
      const { status } = await post("/v1/auth/register", account);
      assert.equal(status, 201, `registration returned ${status}`);
      return logIn(account);
    },

    /** All users, page by page. */
    listUsers: async (): Promise<{ email: string }[]> => {
      const tokens = { access_token: loggedIn.token, expires_in: 60 };
      const roster = createRosterClient({ baseUrl: url, tokens });
      const users: { email: string }[] = [];
      for await (const user of paginate(roster, "/v1/users")) users.push(user);
      return users;
    },
  };
}

function newAccount() {
  const username = `user-${crypto.randomUUID()}`;
  return { username, email: `${username}@example.com`, password: "a fine secret for races" };
}

/** Counts the responses by status: "1 × 200, 1 × 412". */
export function tally(answers: readonly Answer[]): string {
  const counts = new Map<number, number>();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  const sorted = [...counts].toSorted(([a], [b]) => a - b);
  return sorted.map(([status, count]) => `${count} × ${status}`).join(", ");
}
