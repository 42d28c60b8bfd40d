import { type SQL, sql } from "drizzle-orm";
import type { Proofs } from "../../access/assurance.ts";
import { whereAuthorized } from "../../access/conditions.ts";
import { read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { commit } from "../../audit/commit.ts";
import { provideDataKey } from "../../audit/data-keys.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { NewAuditEvent } from "../../audit/repository.ts";
import type { Context } from "../../context.ts";
import type { Rows, Statements } from "../../db/connection.ts";
import type { Statement } from "../../db/statement.ts";
import { AppError } from "../../errors.ts";
import { type KeptAnswer, Replay, requireUnanswered } from "../../idempotency/answers.ts";
import type { Person } from "../../lib/data-key.ts";
import type { MfaTokenClaims } from "../../lib/mfa-token.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import { queueMail } from "../../outbox/queue.ts";
import { updateProofs } from "../sessions/repository.ts";
import { findMfaOwner, readMfaToken, spendMfaToken, whereMfaTokenLive } from "./mfa-token.ts";
import { prepareRecoveryCodes } from "./recovery-codes.ts";
import { type FactorRow, updateMfaEnabled, upsertRecoveryCodes } from "./repository.ts";

/** The user who adds a factor. */
interface FactorOwner {
  id: string;
  username: string;
  email: string;
  dataKey: string | null;
  /** Whether they have a factor. */
  mfaEnabled: boolean;
}

/**
 * Who adds a factor: a logged-in user, or one who must add the first factor before they can log in, with the `mfa_token` of
 * `mfa_enrollment_required`.
 */
export interface Enrollment {
  ctx: Context;
  owner: FactorOwner;
  /** True while the caller may add a factor, and the owner has a factor or none, as when they were read. */
  whereAllowed: SQL;
  /** What the caller sent: a session counts the new factor as a proof, and a token is spent by it. */
  by: { sessionId: string } | { token: MfaTokenClaims };
}

/** Who adds a factor, and what the operation reads of them. */
interface Opened<S extends Statements> {
  enrollment: Enrollment;
  rows: Rows<S>;
}

/**
 * Reads who adds a factor, together with what the operation needs of them. Throws `unauthenticated` without an access token and an
 * `mfa_token`, `conflicting_credentials` with both, `invalid_mfa_token`, and what `read` throws.
 */
export async function openEnrollment<const S extends Statements>(
  ctx: Context,
  mfaToken: string | undefined,
  toStatements: (userId: string) => S,
): Promise<Opened<S>> {
  if (!ctx.access) {
    if (mfaToken === undefined) throw new AppError("unauthenticated", { detail: MISSING });
    return openByToken(ctx, await readMfaToken(ctx, mfaToken, "enroll"), toStatements);
  }
  if (mfaToken !== undefined) throw new AppError("conflicting_credentials", { detail: ONE });
  const { credential } = ctx.access;
  // `read` refuses API keys.
  const ownerId = credential.type === "session" ? credential.userId : "";
  const { acting, account, ...rows } = await read(ctx, toStatements(ownerId));
  const { sessionId, dataKey } = requirePerson(acting);
  const owner = { ...account, dataKey };
  const whereAllowed = sql`(${whereAuthorized(acting, {})} AND ${whereAsRead(owner)})`;
  const enrollment = { ctx: acting, owner, whereAllowed, by: { sessionId } };
  return { enrollment, rows: rows as unknown as Rows<S> };
}

const MISSING = "Send an access token, or the `mfa_token` of your login in the body.";
const ONE = "Send an access token, or mfa_token in the body, but not both.";

async function openByToken<const S extends Statements>(
  ctx: Context,
  token: MfaTokenClaims,
  toStatements: (userId: string) => S,
): Promise<Opened<S>> {
  const { owners, ...rows } = await ctx.d1.send({
    owners: findMfaOwner(ctx.db, token),
    ...toStatements(token.userId),
  });
  const [owner] = owners as FactorOwner[];
  if (!owner) return refuseSpent(ctx);
  if (ctx.enrollment) ctx.enrollment.isAdmitted = true;
  const enrollment = { ctx, owner, whereAllowed: whereMfaTokenLive(token), by: { token } };
  return { enrollment, rows: rows as unknown as Rows<S> };
}

/** Throws `invalid_mfa_token`, or the earlier answer if this request itself has spent the token. */
async function refuseSpent(ctx: Context): Promise<never> {
  try {
    await requireUnanswered(ctx);
  } catch (error) {
    const isOther = error instanceof AppError && error.code === "idempotency_key_reused";
    if (error instanceof Replay && ctx.enrollment) ctx.enrollment.isAdmitted = true;
    if (!isOther) throw error;
  }
  throw new AppError("invalid_mfa_token");
}

function whereAsRead({ id, mfaEnabled }: FactorOwner): SQL {
  return sql`EXISTS (SELECT 1 FROM users AS enrolling WHERE enrolling.id = ${id} AND enrolling.mfa_enabled = ${Number(mfaEnabled)})`;
}

/** A factor that is about to be confirmed. */
interface NewFactor {
  id: string;
  type: FactorRow["type"];
  name: string;
  /** What its confirmation proves. */
  proofs: Proofs;
  /** Confirms it, under the condition `whereAllowed`. */
  change: Statement<FactorRow[]>;
  effects?: (recorded: SQL) => Statements;
  /** Keeps the response of an operation that takes an `Idempotency-Key`. */
  keep?: (recoveryCodes: string[] | undefined) => Promise<KeptAnswer>;
}

/** A factor that was added, and the recovery codes that come with the first one. */
export interface AddedFactor {
  factor: FactorRow;
  recoveryCodes: string[] | undefined;
}

/**
 * Confirms a factor. With the first one, its owner gets recovery codes, and needs a second factor from now on. Undefined if the
 * change did not apply.
 */
export async function commitFactor(
  { ctx, owner: asRead, by }: Enrollment,
  { change, proofs, effects, keep, ...factor }: NewFactor,
): Promise<AddedFactor | undefined> {
  const { db } = ctx;
  const { id: userId, email: address, mfaEnabled } = asRead;
  const owner = await provideDataKey(ctx, asRead);
  const codes = mfaEnabled ? undefined : await prepareRecoveryCodes(ctx, userId);
  const answer = await keep?.(codes?.texts);
  const [event, ...furtherEvents] = await describeAddition(ctx, owner, factor, codes !== undefined);
  const { changed, mail } = await commit(ctx, {
    change,
    event,
    furtherEvents,
    effects: (recorded) => ({
      codes: codes && upsertRecoveryCodes(db, codes.row, recorded),
      user: updateMfaEnabled(db, userId, ctx.now(), recorded),
      proofs: "sessionId" in by && updateProofs(db, by.sessionId, proofs, recorded),
      spent: "token" in by && spendMfaToken(db, by.token, recorded),
      mail: queueMail(ctx, { userId, kind: "factor_added", address }, recorded),
      ...effects?.(recorded),
      ...answer?.(recorded),
    }),
  });
  deliverSoon(ctx, mail);
  const [added] = changed;
  return added && { factor: added, recoveryCodes: codes?.texts };
}

async function describeAddition(
  ctx: Context,
  owner: Person,
  { id, type, name }: Pick<NewFactor, "id" | "type" | "name">,
  hasCodes: boolean,
): Promise<[NewAuditEvent, ...NewAuditEvent[]]> {
  const target = {
    targetType: "user",
    targetId: owner.id,
    actor: { type: "user", id: owner.id },
    origin: owner,
  } as const;
  const added = await createAuditEvent(ctx, {
    action: "factor.added",
    ...target,
    metadata: { factor_id: id, factor_type: type },
    personal: { of: owner, changes: { name: { from: null, to: name } } },
  });
  if (!hasCodes) return [added];
  return [added, await createAuditEvent(ctx, { action: "recovery_codes.generated", ...target })];
}
