import { randomUUID } from "node:crypto";
import { decodeJwt } from "jose";
import { createAuthenticator } from "../support/authenticator.ts";
import type { Incoming, Outgoing, Send } from "./http.ts";

/** Who sends a request. */
export type ActorKind =
  | "anonymous"
  | "user"
  | "user key"
  | "moderator"
  | "moderator key"
  | "admin"
  | "admin key";

interface Account {
  id: string;
  username: string;
  email: string;
  password: string;
  role: string;
}

/** Someone who sends requests, and what they have got in responses. */
export interface Actor {
  kind: ActorKind;
  account: Account;
  /** The credential of their requests. */
  headers: Record<string, string>;
  /** The access token of the person, whatever they send requests with. */
  session: Record<string, string>;
  authenticator: ReturnType<typeof createAuthenticator>;
  /** Values of earlier responses and emails by name, the newest first. */
  pools: Map<string, string[]>;
  /** How many requests they have sent. */
  sent: number;
  /** True once the service refuses the credential. */
  isDead: boolean;
}

/** Creates an account with a role that it could not register with, and returns its id. */
export type CreatePrivileged = (account: object) => Promise<string>;

const PASSWORD = "a fine secret for fuzz";
const MAX_POOL = 30;
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  user: ["me:read", "me:write"],
  moderator: ["me:read", "users:read", "users:update", "sessions:read"],
  admin: [
    "me:read",
    "me:write",
    "users:read",
    "users:create",
    "users:import",
    "users:update",
  ].concat([
    "users:delete",
    "users:export",
    "sessions:read",
    "roles:read",
    "api_keys:read",
    "audit:read",
    "audit:export",
    "metrics:read",
    "analytics:read",
    "tokens:introspect",
  ]),
};

/** Puts a value at the front of a pool of an actor. */
export function remember({ pools }: Actor, pool: string, value: unknown): void {
  if (typeof value !== "string" || value === "") return;
  const known = pools.get(pool) ?? [];
  pools.set(pool, [value, ...known.filter((one) => one !== value)].slice(0, MAX_POOL));
}

/** Registers an account with a role, logs it in, and creates its API key if it acts with one. */
export async function createActor(
  send: Send,
  createPrivileged: CreatePrivileged,
  kind: ActorKind,
  { prefix, password }: { prefix: string; password: string } = { prefix: "fz", password: PASSWORD },
): Promise<Actor> {
  const role = kind.split(" ")[0] ?? "";
  const name = `${prefix}-${randomUUID().slice(0, 18)}`;
  const account = { username: name, email: `${name}@example.com`, password };
  const isPrivileged = role === "moderator" || role === "admin";
  const id = isPrivileged
    ? await createPrivileged({ ...account, role })
    : (await post(send, "/v1/auth/register", account, {})).id;
  const tokens = await post(send, "/v1/auth/login", { username: name, password }, {});
  const bearer = { Authorization: `Bearer ${tokens.access_token}` };
  const actor: Actor = {
    kind,
    account: { ...account, id, role: isPrivileged ? role : "user" },
    headers: kind === "anonymous" ? {} : bearer,
    session: bearer,
    authenticator: createAuthenticator(),
    pools: new Map(),
    sent: 0,
    isDead: false,
  };
  remember(actor, "refresh", tokens.refresh_token);
  remember(actor, "access", tokens.access_token);
  remember(actor, "sessions", decodeJwt(tokens.access_token).sid);
  if (kind.endsWith("key")) {
    const scopes = SCOPES[role];
    const key = await post(send, "/v1/api-keys", { name: "Key of fuzz", scopes }, bearer);
    actor.headers = { "X-API-Key": key.key };
    remember(actor, "api-keys", key.id);
  }
  return actor;
}

/** Sends a request that must succeed. */
export async function post(
  send: Send,
  path: string,
  body: unknown,
  headers: Record<string, string>,
  method = "POST",
): Promise<any> {
  const outgoing: Outgoing = {
    method,
    path,
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
  return parse(await send(outgoing), `${method} ${path}`);
}

/** Reads what must be there. */
export async function get(send: Send, path: string, headers: Record<string, string>): Promise<any> {
  return parse(await send({ method: "GET", path, headers, body: undefined }), `GET ${path}`);
}

function parse({ status, text }: Incoming, what: string): unknown {
  if (status >= 400) throw new Error(`${what} returned ${status}: ${text}`);
  return text ? JSON.parse(text) : undefined;
}
