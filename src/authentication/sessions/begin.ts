import type { SQL } from "drizzle-orm";
import { assess, type Proofs } from "../../access/assurance.ts";
import { findCaller, toPrincipal } from "../../access/callers.ts";
import { commitBoth } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { NewAuditEvent } from "../../audit/repository.ts";
import { type Context, momentOf } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../lib/ids.ts";
import { computeMacText, firstKey } from "../../lib/mac.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail } from "../../outbox/queue.ts";
import { hashNetwork } from "../attempts/identifier.ts";
import { KNOWN_NETWORK_MS } from "../attempts/limits.ts";
import { cacheEndedSessions, cacheSession } from "./cache.ts";
import {
  evictSessions,
  insertSession,
  type NewSession,
  recordLogin,
  recountSessions,
} from "./repository.ts";
import { issueTokens, type TokenSet } from "./tokens.ts";

const DEVICE_HASH_BYTES = 9;
const MAX_KNOWN_DEVICES = 20;
const MAX_KNOWN_NETWORKS = 50;

/** The user whose session starts. */
export interface SessionOwner {
  id: string;
  email: string;
  dataKey: string | null;
  /** Keyed hashes of the user agents that they have logged in with; null before the first login. */
  knownDevices: string[] | null;
  /** Keyed hashes of the networks that they have logged in from, with the time of the last login from each. */
  knownNetworks: Record<string, number> | null;
}

/** A login whose proofs, such as a password, were checked. */
export interface ProvenLogin<T extends Statements> {
  owner: SessionOwner;
  /** How the owner was authenticated, and when. */
  proofs: Proofs;
  /** True while the proofs still hold, for example while the password has not changed since it was checked. */
  whereProven: SQL;
  /** A new hash of the password, if the stored one is outdated. */
  passwordHash?: string | undefined;
  /** Further details for the event of the login. */
  metadata?: { sign_count_regressed?: true; provider?: string } | undefined;
  /** Further events of the login. */
  furtherEvents?: readonly NewAuditEvent[];
  /** The effects of this way of logging in. */
  effects?: (recorded: SQL) => T;
}

/**
 * Starts a session and issues its tokens. Every way to log in ends here, once no factor is missing (login/gate.ts). The same round
 * trip checks the proof again, ends the least recently used sessions beyond the limit, and queues an email to the owner if they have
 * not logged in from this device before.
 * Throws `invalid_credentials` if the proofs no longer hold.
 */
export async function beginSession<const T extends Statements>(
  ctx: Context,
  { owner, proofs, whereProven, passwordHash, metadata, furtherEvents, effects }: ProvenLogin<T>,
): Promise<TokenSet> {
  const { db } = ctx;
  const now = ctx.now();
  const userId = owner.id;
  const { limit } = ctx.config.session;
  const session = createSessionRow(ctx, userId, proofs);
  const devices = await addDevice(ctx, owner.knownDevices);
  const networks = addNetwork(owner.knownNetworks, await hashNetwork(ctx), now);
  const mail = { userId, kind: "new_sign_in", address: owner.email } as const;
  const credential = { type: "session", sessionId: session.id, userId } as const;
  const began = {
    change: insertSession(db, session, whereProven),
    event: await createAuditEvent(ctx, {
      action: "auth.login_succeeded",
      targetType: "user",
      targetId: userId,
      metadata: { session_id: session.id, methods: assess(proofs)?.amr ?? [], ...metadata },
      actor: { type: "user", id: userId },
      origin: owner,
    }),
    ...(furtherEvents && { furtherEvents }),
    effects: (recorded: SQL) => ({
      login: recordLogin(
        db,
        { userId, now, passwordHash, devices: devices.known, networks },
        recorded,
      ),
      mail: devices.isNew && queueMail(ctx, mail, recorded),
      ...effects?.(recorded),
    }),
  };
  const eviction = await createAuditEvent(ctx, {
    action: "session.revoked",
    targetType: "user",
    targetId: userId,
    metadata: { reason: "evicted" },
    actor: { type: "system", id: null },
  });
  const result = await commitBoth(
    ctx,
    began,
    (recorded) => ({
      change: evictSessions(db, { userId, limit, now }, recorded),
      event: eviction,
    }),
    { recounted: recountSessions(db, { userId, limit, now }), callers: findCaller(db, credential) },
  );
  cacheEndedSessions(ctx, result.followed);
  deliverSoon(ctx, result.mail);
  const principal = toPrincipal(result.callers[0], credential, momentOf(ctx));
  if (principal?.type !== "user") throw new AppError("invalid_credentials");
  cacheSession(ctx, principal);
  ctx.memory.wrappedDataKeys.set(userId, principal.dataKey, now);
  ctx.count("roster_logins_total", { result: "success" });
  return issueTokens(ctx, principal, 1);
}

function createSessionRow(ctx: Context, userId: string, proofs: Proofs): NewSession {
  const now = ctx.now();
  const { idleMs, maxMs } = ctx.config.session;
  const endsAt = now + maxMs;
  return {
    id: newId(),
    userId,
    createdAt: now,
    lastUsedAt: now,
    rotatedAt: now,
    expiresAt: Math.min(now + idleMs, endsAt),
    endsAt,
    proofs,
    ...ctx.client,
  };
}

// The first device of an account is not reported as new.
async function addDevice(ctx: Context, known: string[] | null) {
  const { userAgent } = ctx.client;
  const key = firstKey(ctx.config.macKeys);
  const device = await computeMacText(key, "device v1", userAgent ?? "", DEVICE_HASH_BYTES);
  const others = known?.filter((other) => other !== device) ?? [];
  return {
    known: [...others, device].slice(-MAX_KNOWN_DEVICES),
    isNew: known !== null && !known.includes(device),
  };
}

// Keeps the networks of the latest logins.
function addNetwork(known: Record<string, number> | null, network: string, now: number) {
  const recent = Object.entries({ ...known, [network]: now })
    .filter(([, at]) => at > now - KNOWN_NETWORK_MS)
    .sort(([, a], [, b]) => b - a);
  return Object.fromEntries(recent.slice(0, MAX_KNOWN_NETWORKS));
}
