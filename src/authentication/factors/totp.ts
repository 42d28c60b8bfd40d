import { sql } from "drizzle-orm";
import { retryOnConflict } from "../../audit/commit.ts";
import { provideDataKey } from "../../audit/data-keys.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { type KeepAnswer, requireUnanswered } from "../../idempotency/answers.ts";
import { newId } from "../../lib/ids.ts";
import { MINUTE } from "../../lib/time.ts";
import { encodeTotpSecret, findTotpStep, mintTotpSecret, toOtpauthUrl } from "../../lib/totp.ts";
import { type AddedFactor, commitFactor, type Enrollment, openEnrollment } from "./enrollment.ts";
import {
  confirmPendingTotp,
  deletePendingTotp,
  findPendingTotp,
  findTotp,
  insertPendingTotp,
  whereHasFactor,
} from "./repository.ts";
import type { AddTotp, ConfirmTotp } from "./schema.ts";
import { openSecret, sealSecret } from "./secrets.ts";

const PENDING_MS = 10 * MINUTE;

/** An authenticator app that is not confirmed yet. Its secret is shown once. */
export interface NewTotp {
  id: string;
  secret: string;
  otpauthUrl: string;
  expiresAt: number;
}

/**
 * Issues the secret of a new authenticator app, which replaces one that was not confirmed. Throws what `openEnrollment` throws, and
 * `factor_exists`.
 */
export async function addTotp(
  ctx: Context,
  input: AddTotp,
  keep: KeepAnswer<NewTotp>,
): Promise<NewTotp> {
  return retryOnConflict(async () => {
    const { enrollment, hasTotp } = await checkNewTotp(ctx, input);
    if (hasTotp) throw new AppError("factor_exists");
    return issueTotp(enrollment, input.name, keep);
  });
}

/** Who adds the app, and whether they have one. Throws what `openEnrollment` throws. */
export async function checkNewTotp(ctx: Context, { mfa_token }: Partial<AddTotp>) {
  const { enrollment, rows } = await openEnrollment(ctx, mfa_token, (userId) => ({
    apps: findTotp(ctx.db, userId),
  }));
  await requireUnanswered(ctx);
  return { enrollment, hasTotp: rows.apps.length > 0 };
}

async function issueTotp(
  { ctx, owner, whereAllowed }: Enrollment,
  name: string,
  keep: KeepAnswer<NewTotp>,
): Promise<NewTotp | undefined> {
  const { db } = ctx;
  const id = newId();
  const secret = mintTotpSecret();
  const createdAt = ctx.now();
  const expiresAt = createdAt + PENDING_MS;
  const sealed = await sealSecret(ctx, await provideDataKey(ctx, owner), id, secret);
  const result = {
    id,
    secret: encodeTotpSecret(secret),
    otpauthUrl: toOtpauthUrl(secret, ctx.config.appName, owner.username),
    expiresAt,
  };
  const answer = await keep(result, owner.id);
  const whereFree = sql`${whereAllowed} AND NOT ${whereHasFactor(owner.id, "totp")}`;
  const row = { id, userId: owner.id, name, secret: sealed, createdAt, expiresAt };
  // Nothing of the account changes until the app is confirmed, so there is no event.
  const { stored } = await ctx.d1.send({
    replaced: deletePendingTotp(db, owner.id, whereFree),
    stored: insertPendingTotp(db, row, whereFree),
    ...answer(sql`EXISTS (SELECT 1 FROM factors AS fresh WHERE fresh.id = ${id})`),
  });
  return stored.length > 0 ? result : undefined;
}

/**
 * Confirms an authenticator app with a code that it shows. The code cannot be used again. Throws what `openEnrollment` throws,
 * `factor_not_found` and `invalid_code`.
 */
export async function confirmTotp(ctx: Context, input: ConfirmTotp): Promise<AddedFactor> {
  const now = ctx.now();
  return retryOnConflict(async () => {
    const { enrollment, rows } = await openEnrollment(ctx, input.mfa_token, (userId) => ({
      pending: findPendingTotp(ctx.db, { userId, id: input.id, now }),
    }));
    const [pending] = rows.pending;
    if (!pending) throw new AppError("factor_not_found");
    const { owner, whereAllowed } = enrollment;
    const secret = await openSecret(ctx, owner, pending);
    const step = await findTotpStep(secret, input.code, { now, after: null });
    if (step === undefined) throw new AppError("invalid_code");
    const { id, name } = pending;
    return commitFactor(enrollment, {
      id,
      type: "totp",
      name,
      proofs: { otp: now },
      change: confirmPendingTotp(ctx.db, { userId: owner.id, id, now, step }, whereAllowed),
    });
  });
}

/** The caller, who may confirm a factor. Throws what `openEnrollment` throws. */
export async function checkConfirmation(ctx: Context, { mfa_token }: Partial<ConfirmTotp>) {
  await openEnrollment(ctx, mfa_token, () => ({}));
}
