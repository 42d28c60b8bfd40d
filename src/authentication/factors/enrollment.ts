import { type SQL, sql } from "drizzle-orm";
import type { Proofs } from "../../access/assurance.ts";
import { whereAuthorized } from "../../access/conditions.ts";
import { read } from "../../access/read.ts";
import { requirePerson } from "../../access/require.ts";
import { commit } from "../../audit/commit.ts";
import { provideDataKey } from "../../audit/data-keys.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import type { Rows, Statements } from "../../db/connection.ts";
import type { Statement } from "../../db/statement.ts";
import { AppError } from "../../errors.ts";
import type { KeptAnswer } from "../../idempotency/answers.ts";
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

/**
 * Reads who adds a factor, together with what the operation needs of them. Throws `unauthenticated` without an access token and an
 * `mfa_token`, `conflicting_credentials` with both, `invalid_mfa_token`, and what `read` throws.
 */
export async function openEnrollment<const S extends Statements>(
  ctx: Context,
  mfaToken: string | undefined,
  toStatements: (userId: string) => S,
): Promise<{ enrollment: Enrollment; rows: Rows<S> }> {
  const { access, db } = ctx;
  if (access) {
    if (mfaToken !== undefined) throw new AppError("conflicting_credentials", { detail: ONE });
    const { credential } = access;
    const userId = credential.type === "session" ? credential.userId : "";
    const { acting, account, ...rows } = await read(ctx, toStatements(userId));
    const { sessionId, dataKey } = requirePerson(acting);
    const owner = { ...account, dataKey };
    const whereAllowed = sql`(${whereAuthorized(acting, {})} AND ${whereAsRead(owner)})`;
    const enrollment = { ctx: acting, owner, whereAllowed, by: { sessionId } };
    return { enrollment, rows: rows as unknown as Rows<S> };
  }
  if (mfaToken === undefined) throw new AppError("unauthenticated");
  const token = await readMfaToken(ctx, mfaToken, "enroll");
  const { owners, ...rows } = await ctx.d1.send({
    owners: findMfaOwner(db, token),
    ...toStatements(token.userId),
  });
  const [owner] = owners as FactorOwner[];
  if (!owner) throw new AppError("invalid_mfa_token");
  if (ctx.enrollment) ctx.enrollment.isAdmitted = true;
  const enrollment = { ctx, owner, whereAllowed: whereMfaTokenLive(token), by: { token } };
  return { enrollment, rows: rows as unknown as Rows<S> };
}

const ONE = "Send an access token, or mfa_token in the body, but not both.";

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
  const now = ctx.now();
  const owner = await provideDataKey(ctx, asRead);
  const target = {
    targetType: "user",
    targetId: userId,
    actor: { type: "user", id: userId },
    origin: owner,
  } as const;
  const codes = mfaEnabled ? undefined : await prepareRecoveryCodes(ctx, userId);
  const answer = await keep?.(codes?.texts);
  const { changed, mail } = await commit(ctx, {
    change,
    event: await createAuditEvent(ctx, {
      action: "factor.added",
      ...target,
      metadata: { factor_id: factor.id, factor_type: factor.type },
      personal: { of: owner, changes: { name: { from: null, to: factor.name } } },
    }),
    furtherEvents: codes
      ? [await createAuditEvent(ctx, { action: "recovery_codes.generated", ...target })]
      : [],
    effects: (recorded) => ({
      codes: codes && upsertRecoveryCodes(db, codes.row, recorded),
      user: updateMfaEnabled(db, userId, now, recorded),
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
