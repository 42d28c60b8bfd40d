import { sql } from "drizzle-orm";
import { whereAuthorized } from "../../access/conditions.ts";
import { read } from "../../access/read.ts";
import { commit, retryOnConflict } from "../../audit/commit.ts";
import { createAuditEvent } from "../../audit/events.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { type KeepAnswer, requireUnanswered } from "../../idempotency/answers.ts";
import { hashRecoveryCode, mintRecoveryCodes } from "../../lib/recovery-code.ts";
import {
  countRecoveryCodes,
  listFactorTypes,
  upsertRecoveryCodes,
  whereHasFactor,
} from "./repository.ts";

/** New recovery codes, and the row with their hashes. */
export async function prepareRecoveryCodes(ctx: Context, userId: string) {
  const texts = mintRecoveryCodes();
  const hashes = await Promise.all(texts.map(hashRecoveryCode));
  return { texts, row: { userId, hashes, createdAt: ctx.now() } };
}

/** How many recovery codes a user has left. They are the caller. */
export async function getRemainingCodes(ctx: Context, userId: string): Promise<number> {
  const { codes } = await read(ctx, { codes: countRecoveryCodes(ctx.db, userId) });
  return codes[0]?.remaining ?? 0;
}

/** Generates recovery codes for the caller, which void the old ones. Throws `factor_missing`. */
export async function generateRecoveryCodes(
  ctx: Context,
  userId: string,
  keep: KeepAnswer<string[]>,
): Promise<string[]> {
  return retryOnConflict(async () => {
    const { acting, types } = await read(ctx, { types: listFactorTypes(ctx.db, userId) });
    await requireUnanswered(ctx);
    if (types.length === 0) throw new AppError("factor_missing");
    const { texts, row } = await prepareRecoveryCodes(acting, userId);
    const answer = await keep(texts, userId);
    const whereUseful = sql`${whereAuthorized(acting, {})} AND ${whereHasFactor(userId)}`;
    const { changed } = await commit(acting, {
      change: upsertRecoveryCodes(acting.db, row, whereUseful),
      event: await createAuditEvent(acting, {
        action: "recovery_codes.generated",
        targetType: "user",
        targetId: userId,
      }),
      effects: answer,
    });
    return changed.length > 0 ? texts : undefined;
  });
}
