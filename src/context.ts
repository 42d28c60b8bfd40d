import type { RoleDefinition } from "./access/permissions.ts";
import type { Principal } from "./access/principal.ts";
import { type Config, type ConfigResult, type MailConfig, parseConfig } from "./config.ts";
import { createDb, type Db } from "./db/client.ts";
import { MemoryCache } from "./lib/memory-cache.ts";
import type { Meter } from "./lib/meter.ts";
import type { SlidingWindow } from "./lib/sliding-window.ts";
import { DAY, SECOND } from "./lib/time.ts";
import { createKv, type Kv } from "./platform/kv.ts";
import type { Log } from "./platform/logger.ts";
import { createBindingMailer, createHttpMailer, type SendMail } from "./platform/mailer.ts";

/** What the worker is bound to; text settings are parsed by config.ts. */
export interface Bindings {
  DB: D1Database;
  KV: KVNamespace;
  ASSETS: Fetcher;
  EMAIL?: SendEmail;
}

/** What was last known of a credential, and when D1 said so. `principal` is null while it is of no use, `hasEnded` when that is for good. */
export interface CredentialState {
  principal: Principal | null;
  hasEnded: boolean;
  checkedAt: number;
}

export type Actor = { type: "anonymous" } | { type: "system" } | Principal;

/** Where a request came from. `ip` is what Cloudflare saw and nothing that a client can say. */
interface Client {
  ip: string | null;
  userAgent: string | null;
  country: string | null;
}

/** What services see of a request: everything they may use, and nothing of HTTP. */
export interface Context {
  db: Db;
  kv: Kv;
  /** Undefined where no mail is sent. */
  sendMail: SendMail | undefined;
  config: Config;
  credentialCache: MemoryCache<CredentialState>;
  rateWindows: MemoryCache<SlidingWindow>;
  roleCache: MemoryCache<RoleDefinition[]>;
  actor: Actor;
  client: Client;
  requestId: string;
  log: Log;
  /** The moment of the request in milliseconds: the same throughout, so that what it writes agrees with itself. */
  now(): number;
  waitUntil(work: Promise<unknown>): void;
}

/** What lives as long as the isolate: the parsed configuration and caches of a few seconds. */
interface Isolate {
  config: Promise<ConfigResult>;
  credentialCache: MemoryCache<CredentialState>;
  rateWindows: MemoryCache<SlidingWindow>;
  roleCache: MemoryCache<RoleDefinition[]>;
}

const isolates = new WeakMap<object, Isolate>();

const CREDENTIAL_CACHE_ENTRIES = 1000;
const CREDENTIAL_CACHE_TTL_MS = 5 * SECOND;
const RATE_WINDOWS = 5000;
const ROLE_CACHE_TTL_MS = 10 * SECOND;

/** What this isolate keeps for these bindings, made at the first call. */
export function getIsolate(bindings: object): Isolate {
  const known = isolates.get(bindings);
  if (known) return known;
  const isolate: Isolate = {
    config: parseConfig(bindings),
    credentialCache: new MemoryCache(CREDENTIAL_CACHE_ENTRIES, CREDENTIAL_CACHE_TTL_MS),
    rateWindows: new MemoryCache(RATE_WINDOWS, DAY),
    roleCache: new MemoryCache(1, ROLE_CACHE_TTL_MS),
  };
  isolates.set(bindings, isolate);
  return isolate;
}

interface ContextInput {
  bindings: Bindings;
  config: Config;
  meter: Meter;
  actor: Actor;
  client: Client;
  requestId: string;
  log: Log;
  waitUntil(work: Promise<unknown>): void;
}

/** The context of one request or one scheduled run. */
export function createContext({ bindings, meter, ...rest }: ContextInput): Context {
  const now = Date.now();
  const { credentialCache, rateWindows, roleCache } = getIsolate(bindings);
  return {
    ...rest,
    db: createDb(bindings.DB, meter),
    kv: createKv(bindings.KV, meter),
    sendMail: createMailer(rest.config.mail, bindings.EMAIL),
    credentialCache,
    rateWindows,
    roleCache,
    now: () => now,
  };
}

function createMailer(
  mail: MailConfig | undefined,
  binding: SendEmail | undefined,
): SendMail | undefined {
  if (mail?.provider) return createHttpMailer(mail.provider, mail.from);
  return mail && binding ? createBindingMailer(binding, mail.from) : undefined;
}
