import { type SQL, sql } from "drizzle-orm";
import type { Proofs } from "../../access/assurance.ts";
import { recordEvents } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { NewAuditEvent } from "../../audit/repository.ts";
import { type Context, momentOf } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import type { Statement } from "../../db/statement.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../lib/ids.ts";
import { hashRecoveryCode } from "../../lib/recovery-code.ts";
import { findTotpStep } from "../../lib/totp.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail } from "../../outbox/queue.ts";
import type { QueuedMail } from "../../outbox/repository.ts";
import { beginAttempt, readAttempt, tooManyAttempts } from "../attempts/begin.ts";
import { factorAttemptLimits } from "../attempts/limits.ts";
import { deleteAttempts, toFactorCounter } from "../attempts/repository.ts";
import { deleteTokens, findTokenOfUser, whereTokenLive } from "../one-time-tokens/repository.ts";
import { computeCode, isCode } from "../one-time-tokens/tokens.ts";
import { proveAssertion } from "../passkeys/ceremony.ts";
import { requireRelyingParty } from "../passkeys/relying-party.ts";
import { findPasskey } from "../passkeys/repository.ts";
import { findLoginUser, type LoginUser } from "../passwords/repository.ts";
import {
  findRecoveryCode,
  findTotp,
  recordTotpStep,
  spendRecoveryCode,
  whereCodeLeft,
  whereCodesLeft,
  whereStepUnused,
} from "./repository.ts";
import type { SentFactor } from "./schema.ts";
import { openSecret } from "./secrets.ts";

/** The user is told when this number of recovery codes is left. */
const FEW_CODES = 3;

/** What a correct factor proves, and how the change that it allows uses it up. */
interface Proof {
  proofs: Proofs;
  /** True while the factor was not used again: a condition of the change. */
  whereProven: SQL;
  /** Uses the factor up, in the transaction of the change. */
  effects: (recorded: SQL) => Statements;
  events: readonly NewAuditEvent[];
  /** Emails that the effects queue. */
  mails: readonly QueuedMail[];
  /** For the event of the change. */
  metadata?: { sign_count_regressed?: true };
}

/** A method: what it reads, in the round trip that counts the attempt, and how it decides. */
interface Check {
  found: Statement<unknown[]>;
  /** Undefined if the factor is wrong. */
  evaluate(rows: unknown[], owner: LoginUser): Promise<Proof | undefined>;
}

/** A second factor that was correct. Its effects also clear the count of attempts. */
export interface ProvenFactor extends Proof {
  owner: LoginUser;
}

interface FactorAttempt {
  userId: string;
  /** What the factor is for. Passkeys sign it. */
  purpose: "mfa" | "step_up";
  sent: SentFactor;
  /** True while an attempt is allowed at all. Otherwise none is counted. */
  whereAllowed: SQL;
}

/**
 * Checks a second factor. The attempt is counted before, per account and over all methods. A wrong one is recorded, and its owner is
 * told. Undefined if the attempt is not allowed. Throws `invalid_code`, `too_many_attempts`.
 */
export async function proveFactor(
  ctx: Context,
  { userId, purpose, sent, whereAllowed }: FactorAttempt,
): Promise<ProvenFactor | undefined> {
  const check = await prepareCheck(ctx, { purpose, userId }, sent);
  const begun = await countAndFind(ctx, userId, whereAllowed, check.found);
  if (!begun) return undefined;
  const { owner, rows, isLast } = begun;
  const proof = await check.evaluate(rows, owner);
  if (!proof) throw await refuseFactor(ctx, owner, sent, isLast);
  const { effects, ...rest } = proof;
  const { text } = toFactorCounter(userId);
  return {
    ...rest,
    owner,
    effects: (recorded) => ({
      factorAttempts: deleteAttempts(ctx.db, text, recorded),
      ...effects(recorded),
    }),
  };
}

async function countAndFind(
  ctx: Context,
  userId: string,
  whereAllowed: SQL,
  found: Statement<unknown[]>,
) {
  const limits = factorAttemptLimits(ctx);
  const sent = { counter: toFactorCounter(userId), limits, subjectId: userId };
  const { owners, rows, ...attempts } = await ctx.d1.send({
    ...beginAttempt(ctx, { ...sent, condition: whereAllowed, whereBlockable: whereAllowed }),
    owners: findLoginUser(ctx.db, { kind: "id", key: userId }, whereAllowed),
    rows: found,
  });
  const [owner] = owners;
  if (!owner) return undefined;
  const attempt = readAttempt(sent, attempts);
  if (!attempt) throw tooManyAttempts(sent, attempts);
  return { owner, rows: rows as unknown[], isLast: attempt.own === limits.limit };
}

/** Records a second factor that was wrong, and tells its owner. Returns the refusal, `invalid_code`. */
export async function refuseFactor(
  ctx: Context,
  owner: LoginUser,
  { method }: SentFactor,
  isLast = false,
): Promise<AppError> {
  const target = {
    targetType: "user",
    targetId: owner.id,
    origin: owner,
  } as const;
  const events = [
    await createAuditEvent(ctx, { action: "auth.mfa_failed", ...target, metadata: { method } }),
  ];
  if (isLast) {
    ctx.count("roster_lockouts_total", { scope: "second_factor" });
    const metadata = { locked: "second_factor" };
    events.push(await createAuditEvent(ctx, { action: "auth.locked_out", ...target, metadata }));
  }
  const notice = { userId: owner.id, kind: "mfa_failed", address: owner.email } as const;
  const { mail } = await recordEvents(ctx, events, { mail: queueMail(ctx, notice, sql`true`) });
  deliverSoon(ctx, mail);
  return new AppError("invalid_code");
}

// A new method is one more case.
async function prepareCheck(
  ctx: Context,
  scope: Pick<FactorAttempt, "purpose" | "userId">,
  sent: SentFactor,
): Promise<Check> {
  switch (sent.method) {
    case "totp":
      return checkTotp(ctx, scope.userId, sent.code);
    case "recovery_code":
      return checkRecoveryCode(ctx, scope.userId, sent.code);
    case "email_code":
      return checkEmailCode(ctx, scope.userId, sent.code);
    case "passkey":
      return checkPasskey(ctx, scope, sent.credential);
  }
}

function toCheck<R>(
  found: Statement<R[]>,
  evaluate: (row: R, owner: LoginUser) => Promise<Proof | undefined>,
): Check {
  return {
    found,
    evaluate: async ([row], owner) => (row === undefined ? undefined : evaluate(row as R, owner)),
  };
}

async function checkTotp(ctx: Context, userId: string, code: string): Promise<Check> {
  const now = ctx.now();
  return toCheck(findTotp(ctx.db, userId), async (app, owner) => {
    const secret = await openSecret(ctx, owner, app);
    const step = await findTotpStep(secret, code, { now, after: app.lastStep });
    if (step === undefined) return undefined;
    return {
      proofs: { otp: now },
      whereProven: whereStepUnused(app.id, step),
      effects: (recorded) => ({
        factor: recordTotpStep(ctx.db, { id: app.id, step, now }, recorded),
      }),
      events: [],
      mails: [],
    };
  });
}

async function checkRecoveryCode(ctx: Context, userId: string, code: string): Promise<Check> {
  const { db } = ctx;
  const hash = await hashRecoveryCode(code);
  return toCheck(findRecoveryCode(db, userId, hash), async (_, owner) => {
    const address = owner.email;
    const used = { id: newId(), userId, kind: "recovery_code_used", address } as const;
    const few = { id: newId(), userId, kind: "recovery_codes_low", address } as const;
    const event = await createAuditEvent(ctx, {
      action: "recovery_code.used",
      targetType: "user",
      targetId: userId,
      actor: { type: "user", id: userId },
      origin: owner,
    });
    return {
      proofs: { recovery: ctx.now() },
      whereProven: whereCodeLeft(userId, hash),
      effects: (recorded) => ({
        factor: spendRecoveryCode(db, userId, hash, recorded),
        usedMail: queueMail(ctx, used, recorded),
        fewMail: queueMail(ctx, few, sql`${recorded} AND ${whereCodesLeft(userId, FEW_CODES)}`),
      }),
      events: [event],
      mails: ctx.sendMail ? [used, few] : [],
    };
  });
}

// The email went to the address that was verified then. A change of the address voids its code.
async function checkEmailCode(ctx: Context, userId: string, typed: string): Promise<Check> {
  const purpose = "step_up_code";
  const found = findTokenOfUser(ctx.db, { userId, purpose }, momentOf(ctx));
  return toCheck(found, async ({ tokenHash }) => {
    if (!isCode(typed, await computeCode(ctx, tokenHash))) return undefined;
    return {
      proofs: { email: ctx.now() },
      whereProven: whereTokenLive(tokenHash, purpose, ctx.now()),
      effects: (recorded) => ({ factor: deleteTokens(ctx.db, userId, [purpose], recorded) }),
      events: [],
      mails: [],
    };
  });
}

function checkPasskey(
  ctx: Context,
  scope: Pick<FactorAttempt, "purpose" | "userId">,
  credential: (SentFactor & { method: "passkey" })["credential"],
): Check {
  requireRelyingParty(ctx);
  return toCheck(findPasskey(ctx.db, credential.id, scope.userId), async (passkey) => {
    const proven = await proveAssertion(ctx, { credential, passkey, scope });
    return proven && { ...proven, events: [], mails: [] };
  });
}
