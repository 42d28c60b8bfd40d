import { sql } from "drizzle-orm";
import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import { countUnattributed, type UnattributedAction } from "../../audit/unattributed.ts";
import { type Context, momentOf } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { verifyLoginToken } from "../../lib/login-token.ts";
import { toComparisonKey } from "../../lib/text.ts";
import { SECOND } from "../../lib/time.ts";
import { beginAttempt, readAttempt, refuseFor, tooManyAttempts } from "../attempts/begin.ts";
import { countStored, emailCodeLimits } from "../attempts/limits.ts";
import { deleteAttempts, toEmailCounter } from "../attempts/repository.ts";
import { proveAddress } from "../first-proof/prove.ts";
import { countRefusal } from "../login/count-refusal.ts";
import { finishFirstFactor } from "../login/gate.ts";
import {
  type FoundToken,
  findToken,
  selectTokenOwner,
  spendToken,
  whereTokenLive,
} from "../one-time-tokens/repository.ts";
import { computeCode, hashLoginToken, hashSentToken, isCode } from "../one-time-tokens/tokens.ts";
import { findLoginUser, type LoginUser } from "../passwords/repository.ts";
import type { TokenSet } from "../sessions/tokens.ts";
import { countTry, findLogin, selectLoginUser, whereLatest } from "./repository.ts";
import { requireEmailLogin } from "./request.ts";
import type { VerifyEmailLogin } from "./schema.ts";

const PURPOSE = "email_login";

/** A mailbox that was proven by a link or a code, which is not used up yet. */
interface ProvenMailbox {
  owner: LoginUser & { emailKey: string };
  tokenHash: string;
  /** The key under which wrong codes of the account are counted, if a code was checked. */
  attemptKey?: string;
}

/**
 * Logs in with the token of a link, or with a code and the `login_token` that it belongs to. Each login works once. If nobody has proven
 * the address before, it is verified, and everything that was set up before is voided. Throws `not_found`, `invalid_code`,
 * `too_many_attempts`, `mfa_required` and `mfa_enrollment_required`.
 */
export async function logInByEmail(ctx: Context, input: VerifyEmailLogin): Promise<TokenSet> {
  requireEmailLogin(ctx);
  return countRefusal(ctx, () => useUpAndBegin(ctx, input));
}

async function useUpAndBegin(ctx: Context, input: VerifyEmailLogin): Promise<TokenSet> {
  try {
    const { owner, attemptKey } = await useUp(ctx, await proveMailbox(ctx, input));
    return await finishFirstFactor(ctx, {
      owner,
      proofs: { email: ctx.now() },
      effects: (recorded) => ({
        attempts: attemptKey !== undefined && deleteAttempts(ctx.db, attemptKey, recorded),
      }),
    });
  } catch (error) {
    throw toInvalidCode(error);
  }
}

// The account has changed since the mailbox was proven.
function toInvalidCode(error: unknown): unknown {
  const isRefused = error instanceof AppError && error.code === "invalid_credentials";
  return isRefused ? new AppError("invalid_code") : error;
}

// In a transaction of its own, before the gate: of concurrent requests, one passes, and what a stranger set up does not decide there.
async function useUp(ctx: Context, proven: ProvenMailbox): Promise<ProvenMailbox> {
  const { owner, tokenHash } = proven;
  if (!owner.emailVerified) {
    const whereProven = whereTokenLive(tokenHash, PURPOSE, ctx.now());
    const verified = await proveAddress(ctx, owner, { reason: PURPOSE, whereProven });
    if (!verified) throw new AppError("invalid_code");
    return { ...proven, owner: verified };
  }
  const { spent } = await ctx.d1.send({ spent: spendToken(ctx.db, tokenHash, momentOf(ctx)) });
  if (spent.length === 0) throw new AppError("invalid_code");
  return proven;
}

async function proveMailbox(ctx: Context, input: VerifyEmailLogin): Promise<ProvenMailbox> {
  return input.token === undefined
    ? proveByCode(ctx, input.login_token ?? "", input.code ?? "")
    : proveByLink(ctx, input.token);
}

async function proveByLink(ctx: Context, token: string): Promise<ProvenMailbox> {
  const tokenHash = await hashSentToken(token);
  if (!tokenHash) throw new AppError("invalid_code");
  const { found, owners } = await ctx.d1.send(findByToken(ctx, tokenHash));
  const owner = toOwner(found[0], owners[0]);
  if (!owner) throw new AppError("invalid_code");
  return { owner, tokenHash };
}

function findByToken({ db, now, revokedBefore }: Context, tokenHash: string) {
  return {
    found: findToken(db, tokenHash, { now: now(), revokedBefore }),
    owners: findLoginUser(db, { kind: "id", key: selectTokenOwner(tokenHash) }),
  };
}

/** The owner of a live token that was sent to the address that they have now, if they can log in. */
function toOwner(token: FoundToken | undefined, owner: LoginUser | undefined) {
  if (token?.purpose !== PURPOSE || !owner?.isActive) return undefined;
  const isSameAddress = toComparisonKey(token.address) === token.emailKey;
  return isSameAddress ? { ...owner, emailKey: token.emailKey } : undefined;
}

async function proveByCode(ctx: Context, loginToken: string, typed: string) {
  const login = await verifyLoginToken(loginToken, ctx.config.macKeys, ctx.now());
  if (!login) throw new AppError("invalid_code");
  const tokenHash = await hashLoginToken(ctx, login.loginId);
  const { attemptKey, isLast, found, owners } = await countAndFind(ctx, login, tokenHash);
  const isRight = isCode(typed, await computeCode(ctx, tokenHash));
  const owner = toOwner(found[0], owners[0]);
  if (isRight && owner) return { owner, tokenHash, attemptKey };
  await (owner ? recordFailure(ctx, owner, isLast) : countFailure(ctx, isLast));
  throw new AppError("invalid_code");
}

interface LoginRef {
  addressHash: string;
  loginId: string;
}

/** Counts an attempt before the code is evaluated, per login and per account. Throws `invalid_code` and `too_many_attempts`. */
async function countAndFind(ctx: Context, login: LoginRef, tokenHash: string) {
  const { db } = ctx;
  const limits = emailCodeLimits(ctx);
  // Not by the owner of the token, which exists only once an email was sent.
  const counter = toEmailCounter(selectLoginUser(login.addressHash), login.addressHash);
  const subjectId = sql`coalesce(${selectTokenOwner(tokenHash)}, '')`;
  const sent = { counter, limits, subjectId };
  const { latest, found, owners, ...rows } = await ctx.d1.send({
    tried: countTry(db, login, ctx.now()),
    // Directly follows the count of the login, because `changes()` refers to the previous statement.
    ...beginAttempt(ctx, {
      ...sent,
      condition: sql`changes() > 0`,
      whereBlockable: whereLatest(login),
    }),
    latest: findLogin(db, login.addressHash),
    ...findByToken(ctx, tokenHash),
  });
  const attempt = readAttempt(sent, rows);
  if (attempt) {
    return { attemptKey: attempt.key, isLast: attempt.own === limits.limit, found, owners };
  }
  const [current] = latest;
  if (current?.loginId !== login.loginId) throw new AppError("invalid_code");
  const [{ attempts } = { attempts: "{}" }] = rows.stored;
  const isBlocked = countStored(attempts, counter.network, limits).own >= limits.limit;
  if (isBlocked) throw tooManyAttempts(sent, rows);
  throw refuseFor(Math.ceil((current.expiresAt - ctx.now()) / SECOND));
}

async function recordFailure(ctx: Context, owner: LoginUser, isLast: boolean): Promise<void> {
  const target = { targetType: "user", targetId: owner.id, origin: owner } as const;
  const metadata = { reason: "invalid_code" };
  const events = [
    await createAuditEvent(ctx, { action: "auth.login_failed", ...target, metadata }),
  ];
  if (isLast) {
    const locked = { locked: PURPOSE };
    events.push(
      await createAuditEvent(ctx, { action: "auth.locked_out", ...target, metadata: locked }),
    );
  }
  await recordEvents(ctx, events);
}

// Nobody has the address, or the login was used.
async function countFailure(ctx: Context, isLast: boolean): Promise<void> {
  const count = (action: UnattributedAction) => countUnattributed(ctx, action);
  await ctx.d1.send({
    failed: count("auth.login_failed"),
    locked: isLast && count("auth.locked_out"),
  });
}
