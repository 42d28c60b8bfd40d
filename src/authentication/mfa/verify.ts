import { sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { deliverSoon } from "../../outbox/deliver.ts";
import {
  findMfaOwner,
  readMfaToken,
  spendMfaToken,
  whereMfaTokenLive,
} from "../factors/mfa-token.ts";
import { proveFactor, refuseFactor } from "../factors/prove.ts";
import { countRefusal } from "../login/count-refusal.ts";
import { finishFirstFactor } from "../login/gate.ts";
import type { TokenSet } from "../sessions/tokens.ts";
import type { VerifyMfa } from "./schema.ts";

/**
 * Completes a login with a second factor and starts its session, which spends the `mfa_token`. Throws `invalid_mfa_token`,
 * `invalid_code`, `too_many_attempts`.
 */
export function verifyMfa(ctx: Context, input: VerifyMfa): Promise<TokenSet> {
  return countRefusal(ctx, () => checkAndBegin(ctx, input));
}

async function checkAndBegin(ctx: Context, { mfa_token, ...sent }: VerifyMfa): Promise<TokenSet> {
  const { db } = ctx;
  const token = await readMfaToken(ctx, mfa_token, "verify");
  const whereAllowed = whereMfaTokenLive(token);
  const proven = await proveFactor(ctx, {
    userId: token.userId,
    purpose: "mfa",
    sent,
    whereAllowed,
  });
  if (!proven) throw new AppError("invalid_mfa_token");
  const { owner, whereProven, effects, events, mails } = proven;
  try {
    const tokens = await finishFirstFactor(ctx, {
      owner,
      proofs: { ...token.proofs, ...proven.proofs },
      whereProven: sql`${whereAllowed} AND ${whereProven}`,
      furtherEvents: events,
      metadata: proven.metadata,
      effects: (recorded) => ({ spent: spendMfaToken(db, token, recorded), ...effects(recorded) }),
    });
    deliverSoon(ctx, mails);
    return tokens;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "invalid_credentials") throw error;
    // Another request has used the token or the code first, or the account has changed.
    const { owners } = await ctx.d1.send({ owners: findMfaOwner(db, token) });
    if (owners.length === 0) throw new AppError("invalid_mfa_token");
    throw await refuseFactor(ctx, owner, sent);
  }
}
