import { type SQL, sql } from "drizzle-orm";
import { assess } from "../../access/assurance.ts";
import type { Context } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import { newId } from "../../lib/ids.ts";
import { type MfaPurpose, mintMfaToken } from "../../lib/mfa-token.ts";
import { SECOND } from "../../lib/time.ts";
import { MFA_TOKEN_MS } from "../factors/mfa-token.ts";
import { countRecoveryCodes, listFactorTypes } from "../factors/repository.ts";
import { wherePasswordInForce } from "../passwords/repository.ts";
import { beginSession, type ProvenLogin, type SessionOwner } from "../sessions/begin.ts";
import type { TokenSet } from "../sessions/tokens.ts";
import { findFactorNeed, whereNeedsNoFactor } from "./repository.ts";

/** A login of which the first factor is proven. */
interface FirstFactor<T extends Statements> extends Omit<ProvenLogin<T>, "whereProven"> {
  owner: SessionOwner & {
    passwordVersion: number;
    /** Whether they have a second factor. */
    mfaEnabled: boolean;
  };
  /**
   * True while the proof holds, in addition to what every login checks: that the account is active, and its password has not
   * changed.
   */
  whereProven?: SQL;
}

/**
 * The only way from a first factor to a session. Starts the session if the owner needs no second factor, or has just proven two.
 * Otherwise throws `mfa_required` or `mfa_enrollment_required` with a token for the next step, and applies the effects of the login,
 * because the first factor was correct. Throws `invalid_credentials` if the proofs no longer hold.
 */
export async function finishFirstFactor<const T extends Statements>(
  ctx: Context,
  login: FirstFactor<T>,
): Promise<TokenSet> {
  const { owner, whereProven = sql`true` } = login;
  const isStrong = assess(login.proofs)?.acr === "aal2";
  if (owner.mfaEnabled && !isStrong) throw await requireSecondFactor(ctx, login, "verify");
  const whereEnough = isStrong
    ? wherePasswordInForce(owner.id, owner.passwordVersion)
    : whereNeedsNoFactor(owner.id, owner.passwordVersion);
  try {
    return await beginSession(ctx, {
      ...login,
      whereProven: sql`${whereProven} AND ${whereEnough}`,
    });
  } catch (error) {
    const isRefused = error instanceof AppError && error.code === "invalid_credentials";
    if (isStrong || !isRefused) throw error;
    throw (await explainRefusal(ctx, login)) ?? error;
  }
}

// The role is not read before, because few roles require a second factor.
async function explainRefusal<const T extends Statements>(
  ctx: Context,
  login: FirstFactor<T>,
): Promise<AppError | undefined> {
  const { needs } = await ctx.d1.send({
    needs: findFactorNeed(ctx.db, login.owner.id, whereStillProven(login)),
  });
  const [need] = needs;
  if (need?.mfaEnabled) return requireSecondFactor(ctx, login, "verify");
  return need?.requireMfa ? requireSecondFactor(ctx, login, "enroll") : undefined;
}

function whereStillProven<const T extends Statements>({
  owner,
  whereProven = sql`true`,
}: FirstFactor<T>): SQL {
  return sql`${whereProven} AND ${wherePasswordInForce(owner.id, owner.passwordVersion)}`;
}

async function requireSecondFactor<const T extends Statements>(
  ctx: Context,
  login: FirstFactor<T>,
  purpose: MfaPurpose,
): Promise<AppError> {
  const { owner, proofs, effects } = login;
  const { types, codes } = await ctx.d1.send({
    types: listFactorTypes(ctx.db, owner.id),
    codes: countRecoveryCodes(ctx.db, owner.id),
    ...(effects?.(whereStillProven(login)) as Statements | undefined),
  });
  const claims = {
    id: newId(),
    purpose,
    userId: owner.id,
    passwordVersion: owner.passwordVersion,
    proofs,
    expiresAt: ctx.now() + MFA_TOKEN_MS,
  };
  const offers = (type: string) => type !== "passkey" || ctx.config.relyingParty !== undefined;
  const hasCodes = (codes[0]?.remaining ?? 0) > 0;
  const held = [...types.map(({ type }) => type), ...(hasCodes ? ["recovery_code"] : [])];
  const methods = purpose === "verify" ? held : ["totp", "passkey"];
  return new AppError(purpose === "verify" ? "mfa_required" : "mfa_enrollment_required", {
    extensions: {
      mfa_token: await mintMfaToken(claims, ctx.config.macKeys),
      expires_in: MFA_TOKEN_MS / SECOND,
      methods: methods.filter(offers),
    },
  });
}
