import type { Principal } from "./access/principal.ts";
import type { AccessRequest } from "./access/rule.ts";
import { type Config, type ConfigResult, type MailConfig, parseConfig } from "./config.ts";
import { type Db, db } from "./db/client.ts";
import { type Connection, connect } from "./db/connection.ts";
import type { VerifiedAccessToken } from "./lib/access-token.ts";
import { MemoryCache } from "./lib/memory-cache.ts";
import type { Meter } from "./lib/meter.ts";
import type { SlidingWindow } from "./lib/sliding-window.ts";
import { DAY, MINUTE } from "./lib/time.ts";
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

/** Who does what the request asks for. */
export type Actor = { type: "anonymous" } | { type: "system" } | Principal;

/** Where a request came from. `ip` is what Cloudflare saw and nothing that a client can say. */
interface Client {
  ip: string | null;
  userAgent: string | null;
  country: string | null;
}

/** What services see of a request: everything they may use, and nothing of HTTP. */
export interface Context {
  /** Builds statements. */
  db: Db;
  /** Sends them. */
  d1: Connection;
  kv: Kv;
  /** Undefined where no mail is sent. */
  sendMail: SendMail | undefined;
  config: Config;
  /** What the isolate remembers. */
  memory: Memory;
  actor: Actor;
  /** The operation's rule and the credential that was sent; undefined where an operation is open to everyone. */
  access?: AccessRequest;
  client: Client;
  requestId: string;
  log: Log;
  /** The moment of the request in milliseconds: the same throughout, so that what it writes agrees with itself. */
  now(): number;
  waitUntil(work: Promise<unknown>): void;
}

/** What an isolate remembers. It shields the stores; nothing that must be exact rests on it. */
export interface Memory {
  rateWindows: MemoryCache<SlidingWindow>;
  /** Access tokens whose signature was verified, by their text. */
  verifiedTokens: MemoryCache<VerifiedAccessToken>;
  /** Sessions that ended here, while KV may still say otherwise. */
  endedSessions: MemoryCache<true>;
  /** Wrapped data keys by user id, of callers whom D1 has just confirmed. */
  people: MemoryCache<string | null>;
  /** Data keys by their wrapped text. */
  dataKeys: MemoryCache<CryptoKey>;
  /** Callers of introspection whom D1 has just confirmed, by credential. */
  introspectors: MemoryCache<Principal>;
}

/** What lives as long as the isolate: the parsed configuration and its memory. */
interface Isolate {
  config: Promise<ConfigResult>;
  memory: Memory;
}

const isolates = new WeakMap<object, Isolate>();

const ENTRIES = 1000;
const RATE_WINDOWS = 5000;

/** What this isolate keeps for these bindings, made at the first call. */
export function getIsolate(bindings: object): Isolate {
  const known = isolates.get(bindings);
  if (known) return known;
  const isolate: Isolate = {
    config: parseConfig(bindings),
    memory: {
      rateWindows: new MemoryCache(RATE_WINDOWS, DAY),
      verifiedTokens: new MemoryCache(ENTRIES, MINUTE),
      endedSessions: new MemoryCache(ENTRIES, 2 * MINUTE),
      people: new MemoryCache(ENTRIES, MINUTE),
      dataKeys: new MemoryCache(ENTRIES, MINUTE),
      introspectors: new MemoryCache(ENTRIES, MINUTE),
    },
  };
  isolates.set(bindings, isolate);
  return isolate;
}

/** Begins work once the response is on its way, so that neither its time nor its cost is the response's. It must not reject. */
export function afterResponse(ctx: Pick<Context, "waitUntil">, work: () => Promise<unknown>): void {
  ctx.waitUntil(scheduler.wait(0).then(work));
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
  return {
    ...rest,
    memory: getIsolate(bindings).memory,
    db,
    d1: connect(bindings.DB, meter),
    kv: createKv(bindings.KV, meter),
    sendMail: createMailer(rest.config.mail, bindings.EMAIL),
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
