import { randomUUID } from "node:crypto";
import { codeOf } from "../e2e/totp.ts";
import {
  type Actor,
  type ActorKind,
  type CreatePrivileged,
  createActor,
  remember,
} from "./actors.ts";
import type { Incoming, Send } from "./http.ts";
import type { Target } from "./plans.ts";
import { fromPool, Ref } from "./values.ts";
import { createVictim, type Victim } from "./victims.ts";

const VICTIM_ROLES: readonly ActorKind[] = ["user", "user", "moderator", "admin"];
const SYSTEM_ROLES = ["user", "user", "moderator", "admin"];
/** After so many requests, an actor is replaced by a new one: theirs may be an odd account by then. */
const LIFETIME = 80;
const MAX_SHARED = 100;

/** What the fuzzer knows of the service that it calls. */
export interface World {
  send: Send;
  createPrivileged: CreatePrivileged;
  relaxRoles: () => Promise<void>;
  victims: Victim[];
  /** Ids and names that everyone may try, by pool, the newest first. */
  shared: Map<string, string[]>;
  /** Tokens and codes of emails, by address. */
  mails: Map<string, { tokens: string[]; codes: string[] }>;
  /** The user that an id, a username or an email of an actor belongs to. */
  owners: Map<string, string>;
  /** Everyone who was given a role other than `user`. */
  privileged: Set<string>;
}

/** Creates the victims, and with them a world. */
export async function createWorld(
  send: Send,
  openAccounts: (noted: (id: string) => void) => CreatePrivileged,
  relaxRoles: () => Promise<void>,
): Promise<World> {
  const privileged = new Set<string>();
  const createPrivileged = openAccounts((id) => privileged.add(id));
  const createNoted: CreatePrivileged = async (account) => {
    const id = await createPrivileged(account);
    privileged.add(id);
    return id;
  };
  const victims = await Promise.all(
    VICTIM_ROLES.map((role) => createVictim(send, createNoted, role)),
  );
  const world: World = {
    send,
    createPrivileged: createNoted,
    relaxRoles,
    victims,
    shared: new Map([["roles", SYSTEM_ROLES]]),
    mails: new Map(),
    owners: new Map(),
    privileged,
  };
  for (const { ids, credentials } of victims) {
    for (const [pool, value] of Object.entries(credentials)) share(world, pool, value);
    for (const [pool, values] of Object.entries(ids)) {
      for (const value of values) {
        share(world, `foreign-${pool}`, value);
        share(world, "foreign", value);
      }
    }
  }
  return world;
}

/** Notes what an email contains. */
export function noteMail(world: World, to: readonly string[], text: string): void {
  const [token] = /(?<=#token=)\S+/.exec(text) ?? [];
  const [code] = /\b\d{6}\b/.exec(text) ?? [];
  for (const address of to) {
    const known = world.mails.get(address) ?? { tokens: [], codes: [] };
    if (token) known.tokens.unshift(token);
    if (code) known.codes.unshift(code);
    world.mails.set(address, known);
  }
}

function share({ shared }: World, pool: string, value: string): void {
  const known = shared.get(pool) ?? [];
  shared.set(pool, [value, ...known.filter((one) => one !== value)].slice(0, MAX_SHARED));
}

/** The actors of one line of requests. Each is replaced once it is refused, or has sent many requests. */
export type Cast = Map<ActorKind, Actor>;

/** The actor of a kind, ready to send. */
export async function findActor(world: World, cast: Cast, kind: ActorKind): Promise<Actor> {
  const known = cast.get(kind);
  if (known && !known.isDead && known.sent < LIFETIME) return known;
  const create = () => createActor(world.send, world.createPrivileged, kind);
  const actor = await create().catch(async () => {
    await world.relaxRoles();
    return create();
  });
  const { id, username, email } = actor.account;
  for (const mark of [id, username, email]) world.owners.set(mark, id);
  cast.set(kind, actor);
  return actor;
}

/** Replaces the references in a value by what they refer to now. */
export function resolveRefs(world: World, actor: Actor, value: unknown, path: string): unknown {
  if (value instanceof Ref) return fromPool(value, resolveRef(world, actor, value, path));
  if (Array.isArray(value)) return value.map((entry) => resolveRefs(world, actor, entry, path));
  if (typeof value !== "object" || value === null) return value;
  const resolved: [string, unknown][] = Object.entries(value).map(([name, entry]) => [
    name,
    resolveRefs(world, actor, entry, path),
  ]);
  return Object.fromEntries(resolved);
}

function resolveRef(world: World, actor: Actor, { pool, index }: Ref, path: string): string {
  const values = listValues(world, actor, pool, path);
  return values[index % Math.max(1, values.length)] ?? randomUUID();
}

function listValues(world: World, actor: Actor, pool: string, path: string): readonly string[] {
  const [whose, field = ""] = pool.split(".");
  if (whose === "self") return [actor.account[field as keyof Actor["account"]]];
  if (whose === "victim") {
    return world.victims.map((victim) => (field === "email" ? victim.email : victim.username));
  }
  const mail = world.mails.get(actor.account.email);
  if (pool === "mail-token") return mail?.tokens ?? [];
  if (pool === "mail-code") return mail?.codes ?? [];
  if (pool === "totp-code") return (actor.pools.get("totp-secret") ?? []).map((s) => codeOf(s));
  if (pool === "etag") return actor.pools.get(`etag ${path}`) ?? [];
  return [...(actor.pools.get(pool) ?? []), ...(world.shared.get(pool) ?? [])];
}

/** The pools of what an operation creates or lists, by the last part of its path. */
const COLLECTIONS = /\/(users|sessions|factors|identities|api-keys|roles|permissions)(\/\{\w+\})?$/;
/** Members of responses that later requests can send, and their pools. */
const MEMBERS = {
  access_token: "access",
  refresh_token: "refresh",
  login_token: "login",
  mfa_token: "mfa",
  reset_token: "mail-token",
  key: "key",
} as const;

/** Notes what of a response later requests of the actor can use. Returns its body, if it is JSON. */
export function learn(
  world: World,
  actor: Actor,
  target: Pick<Target, "id" | "path">,
  path: string,
  got: Incoming,
): unknown {
  const etag = got.headers.get("ETag");
  if (etag) remember(actor, `etag ${path}`, etag);
  learnRedirect(actor, got.headers.get("Location"));
  const body = parse(got);
  if (body === undefined) return undefined;
  for (const [member, pool] of Object.entries(MEMBERS)) remember(actor, pool, body[member]);
  if (got.status >= 300) return body;
  for (const code of listOf(body.recovery_codes)) remember(actor, "recovery-code", code);
  remember(actor, "cursor", (body.pagination as { next_cursor?: string } | undefined)?.next_cursor);
  if (target.id === "addTotp") {
    remember(actor, "totp", body.id);
    remember(actor, "totp-secret", body.secret);
  }
  if (target.id === "startProviderLogin") learnStart(actor, String(body.authorization_url));
  learnIds(world, actor, target, body);
  return body;
}

function learnIds(
  world: World,
  actor: Actor,
  target: Pick<Target, "path">,
  body: Record<string, unknown>,
): void {
  const [, collection] = COLLECTIONS.exec(target.path) ?? [];
  if (!collection) return;
  const isNamed = collection === "roles" || collection === "permissions";
  for (const item of [body, ...listOf(body.data)] as Record<string, unknown>[]) {
    const value = isNamed ? item.name : item.id;
    remember(actor, collection, value);
    if (isNamed && typeof value === "string") share(world, collection, value);
  }
}

// The provider of the fuzzer takes the nonce as the code.
function learnStart(actor: Actor, address: string): void {
  const { searchParams } = new URL(address);
  remember(actor, "provider-state", searchParams.get("state"));
  remember(actor, "provider-code", `${searchParams.get("nonce")}.${randomUUID()}`);
}

function learnRedirect(actor: Actor, location: string | null): void {
  if (!location || !URL.canParse(location)) return;
  remember(actor, "exchange", new URL(location).searchParams.get("code"));
}

function parse({ headers, text }: Incoming): Record<string, unknown> | undefined {
  if (!/json$/.test(headers.get("Content-Type")?.split(";")[0] ?? "")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
