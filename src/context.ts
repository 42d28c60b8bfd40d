import type { Principal } from "./access/principal.ts";
import type { AccessRequest } from "./access/rule.ts";
import { type Config, type ConfigResult, type MailConfig, parseConfig } from "./config.ts";
import { type Db, db } from "./db/client.ts";
import { type Connection, connect, type Replication } from "./db/connection.ts";
import type { Statement } from "./db/statement.ts";
import type { VerifiedAccessToken } from "./lib/access-token.ts";
import { MemoryCache } from "./lib/memory-cache.ts";
import type { Meter } from "./lib/meter.ts";
import type { SlidingWindow } from "./lib/sliding-window.ts";
import { DAY, HOUR, MINUTE, type Moment, SECOND } from "./lib/time.ts";
import type { Trace } from "./lib/trace.ts";
import { type Archive, createArchive } from "./platform/archive.ts";
import { createKv, type Kv } from "./platform/kv.ts";
import type { Log } from "./platform/logger.ts";
import { createBindingMailer, createHttpMailer, type SendMail } from "./platform/mailer.ts";
import { type Count, IsolateCounts } from "./platform/metrics.ts";
import { findMissingStores } from "./settings.ts";

/** The Worker's bindings. Settings, which are text bindings, are parsed by config.ts. */
export interface Bindings {
  DB: D1Database;
  KV: KVNamespace;
  ASSETS: Fetcher;
  EMAIL?: SendEmail;
  METRICS?: AnalyticsEngineDataset;
  ARCHIVE?: R2Bucket;
}

/** Who a request or a scheduled job acts as. */
export type Actor = { type: "anonymous" } | { type: "system" } | Principal;

/** Where a request came from. `ip` is the address that Cloudflare reports; a client cannot choose it. */
interface Client {
  ip: string | null;
  userAgent: string | null;
  country: string | null;
}

/**
 * A request with an `Idempotency-Key`. It repeats another if the key, the operation, the principal and the content are the
 * same.
 */
export interface IdempotentRequest {
  key: string;
  /** The method and the pattern of the route. */
  operation: string;
  /** The path, the conditions and the body. */
  content: readonly string[];
  /** The ids under which its answer may be stored. The first is for new answers. */
  ids: readonly string[];
  /** Looks up the answer. `read` sends it together with its own statements. */
  answers: Statement<SealedAnswer[]>;
  /** What the last lookup found. */
  found: readonly SealedAnswer[] | undefined;
}

/** The stored answer to a request with an `Idempotency-Key`. */
interface SealedAnswer {
  id: string;
  sealedAnswer: string;
  expiresAt: number;
}

/** Everything that a service may use while it handles a request. Contains nothing of HTTP. */
export interface Context {
  /** Builds statements. */
  db: Db;
  /** Sends statements. */
  d1: Connection;
  kv: Kv;
  /** Undefined if email is not configured. */
  sendMail: SendMail | undefined;
  /** Undefined if no bucket is bound. */
  archive: Archive | undefined;
  config: Config;
  /** The caches of the isolate. */
  memory: Memory;
  actor: Actor;
  /** The operation's rule and the credential of the request; undefined for operations open to everyone. */
  access?: AccessRequest;
  /** Present if the operation also takes an `mfa_token`, and the request has no credential. No response is sent before it is admitted. */
  enrollment?: { isAdmitted: boolean };
  /** Present if the request has an `Idempotency-Key` and the operation takes one. */
  idempotency?: IdempotentRequest;
  client: Client;
  /** The `Accept-Language` of the request; null for none, an overlong one, and jobs. */
  acceptLanguage: string | null;
  /** The id that this service gave the request; never the client's. */
  requestId: string;
  trace: Trace;
  log: Log;
  /** The revocation epoch in milliseconds (access/revocation.ts). What began earlier is void. */
  revokedBefore: number;
  /** Counts for /metrics. */
  count: Count;
  /** The time of the request in milliseconds since the Unix epoch. It is constant, so that all rows of a request agree. */
  now(): number;
  waitUntil(work: Promise<unknown>): void;
}

/** A JSON document of a login provider, and when it was fetched, in milliseconds. */
export interface ProviderDocument {
  content: Readonly<Record<string, unknown>>;
  fetchedAt: number;
}

/** What a check of /ready found. `detail` says what to look at, and contains no message of the store. */
export type CheckResult =
  | { status: "ok"; duration_ms: number }
  | { status: "failed"; detail: string };

/** The caches of an isolate. They spare D1 and KV; nothing that must be exact relies on them. */
export interface Memory {
  rateWindows: MemoryCache<SlidingWindow>;
  /** The claims of access tokens whose signature was verified, by token. */
  verifiedTokens: MemoryCache<VerifiedAccessToken>;
  /** Hashes of API keys that D1 confirmed within the last hour. Used to count requests, never to authorize them. */
  confirmedKeys: MemoryCache<true>;
  /** Ids of sessions that this isolate ended, while KV may still have their old session records. */
  endedSessions: MemoryCache<true>;
  /** Ids of sessions whose record this isolate restored, while KV may still return what it had before. */
  repairedSessions: MemoryCache<true>;
  /** Wrapped data keys of users whom D1 confirmed as callers within the last minute, by user id. */
  wrappedDataKeys: MemoryCache<string | null>;
  /** Unwrapped data keys, by user id and wrapped key. */
  dataKeys: MemoryCache<CryptoKey>;
  /** Metadata and keys of login providers, by the KV key that they have, too. */
  providerDocuments: MemoryCache<ProviderDocument>;
  /** Login providers whose metadata could not be had within the last seconds. */
  failedProviders: MemoryCache<true>;
  /** The latest checks of /ready, by name, including those that are running. */
  checks: MemoryCache<Promise<CheckResult>>;
  /** The ids of keys that data keys are wrapped with and that `DATA_KEYS` lacks. */
  missingKeys: Set<string>;
  /** What was read of the revocation epoch in KV, and when to read it again; 0 before the first time. */
  revocation: { before: number; refreshAt: number };
  /** Principals whom D1 confirmed as callers of introspection within the last minute, by credential. */
  introspectors: MemoryCache<Principal>;
  /** Counts for /metrics that are not in D1 yet. */
  counts: IsolateCounts;
}

/** What lives as long as the isolate: the parsed configuration and the caches. */
interface Isolate {
  config: Promise<ConfigResult>;
  /** Whether the faults of the configuration were logged. */
  hasLoggedFaults: boolean;
  memory: Memory;
}

const isolates = new WeakMap<object, Isolate>();

const MAX_ENTRIES = 1000;
const MAX_RATE_WINDOWS = 5000;
const MAX_PROVIDER_DOCUMENTS = 100;

async function parseBindings(bindings: object): Promise<ConfigResult> {
  const result = await parseConfig(bindings);
  const faults = findMissingStores(bindings);
  if (faults.length === 0) return result;
  return { ok: false, faults: [...faults, ...(result.ok ? [] : result.faults)] };
}

/** The state of this isolate for these bindings, created by the first call. */
export function getIsolate(bindings: object): Isolate {
  const known = isolates.get(bindings);
  if (known) return known;
  const isolate: Isolate = {
    config: parseBindings(bindings),
    hasLoggedFaults: false,
    memory: {
      rateWindows: new MemoryCache(MAX_RATE_WINDOWS, DAY),
      verifiedTokens: new MemoryCache(MAX_ENTRIES, MINUTE),
      confirmedKeys: new MemoryCache(MAX_ENTRIES, HOUR),
      endedSessions: new MemoryCache(MAX_ENTRIES, 2 * MINUTE),
      repairedSessions: new MemoryCache(MAX_ENTRIES, MINUTE),
      wrappedDataKeys: new MemoryCache(MAX_ENTRIES, MINUTE),
      dataKeys: new MemoryCache(MAX_ENTRIES, MINUTE),
      providerDocuments: new MemoryCache(MAX_PROVIDER_DOCUMENTS, DAY),
      failedProviders: new MemoryCache(MAX_PROVIDER_DOCUMENTS, 5 * SECOND),
      checks: new MemoryCache(MAX_ENTRIES, 5 * SECOND),
      missingKeys: new Set(),
      revocation: { before: 0, refreshAt: 0 },
      introspectors: new MemoryCache(MAX_ENTRIES, MINUTE),
      counts: new IsolateCounts(),
    },
  };
  isolates.set(bindings, isolate);
  return isolate;
}

/** The time of the request and the revocation epoch. */
export function momentOf({ now, revokedBefore }: Pick<Context, "now" | "revokedBefore">): Moment {
  return { now: now(), revokedBefore };
}

/** Starts work once the response is on its way, so that it does not delay the response. `work` must not reject. */
export function afterResponse(ctx: Pick<Context, "waitUntil">, work: () => Promise<unknown>): void {
  ctx.waitUntil(scheduler.wait(0).then(work));
}

interface ContextInput {
  bindings: Bindings;
  config: Config;
  meter: Meter;
  /** Undefined for work that only the primary does, such as scheduled jobs. */
  replication?: Replication | undefined;
  actor: Actor;
  client: Client;
  /** By default null. */
  acceptLanguage?: string | null;
  requestId: string;
  trace: Trace;
  log: Log;
  waitUntil(work: Promise<unknown>): void;
}

/** Creates the context of one request or one scheduled job. */
export function createContext({ bindings, meter, replication, ...rest }: ContextInput): Context {
  const now = Date.now();
  const { memory } = getIsolate(bindings);
  return {
    acceptLanguage: null,
    ...rest,
    memory,
    count: memory.counts.count,
    revokedBefore: rest.config.revokedBefore,
    db,
    d1: connect(bindings.DB, meter, replication),
    kv: createKv(bindings.KV, meter),
    sendMail: createMailer(rest.config.mail, bindings.EMAIL),
    archive: bindings.ARCHIVE && createArchive(bindings.ARCHIVE),
    now: () => now,
  };
}

/** The way to send email; undefined if email is not configured. */
export function createMailer(
  mail: MailConfig | undefined,
  binding: SendEmail | undefined,
): SendMail | undefined {
  if (mail?.provider) return createHttpMailer(mail.provider, mail.from);
  return mail && binding ? createBindingMailer(binding, mail.from) : undefined;
}
