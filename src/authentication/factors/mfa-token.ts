import { type SQL, sql } from "drizzle-orm";
import { type Context, momentOf } from "../../context.ts";
import type { Db } from "../../db/client.ts";
import { AppError } from "../../errors.ts";
import { type MfaPurpose, type MfaTokenClaims, verifyMfaToken } from "../../lib/mfa-token.ts";
import { expiredUntil, MINUTE } from "../../lib/time.ts";
import { findLoginUser, wherePasswordInForce } from "../passwords/repository.ts";
import { insertSpentToken, whereUnspent } from "../spent-tokens/repository.ts";

/** How long an `mfa_token` lives. */
export const MFA_TOKEN_MS = 10 * MINUTE;

/**
 * The claims of an `mfa_token` for a purpose. Does no I/O. Throws `invalid_mfa_token`, also if the token is from before the revocation
 * epoch: a restore of the database forgets that it was used.
 */
export async function readMfaToken(
  ctx: Context,
  text: string,
  purpose: MfaPurpose,
): Promise<MfaTokenClaims> {
  const voidUntil = expiredUntil(momentOf(ctx), MFA_TOKEN_MS);
  const claims = await verifyMfaToken(text, ctx.config.macKeys, voidUntil);
  if (claims?.purpose !== purpose) throw new AppError("invalid_mfa_token");
  return claims;
}

/** The owner of an `mfa_token` that is live. */
export function findMfaOwner(db: Db, claims: MfaTokenClaims) {
  return findLoginUser(db, { kind: "id", key: claims.userId }, whereMfaTokenLive(claims));
}

/**
 * True while an `mfa_token` works: it was not used, its owner can log in and has the same password, which has not expired if the
 * login began with it. One that was issued to add the first factor is void once there is one, so that a password alone never adds
 * another.
 */
export function whereMfaTokenLive(claims: MfaTokenClaims): SQL {
  const { id, purpose, userId, passwordVersion, proofs } = claims;
  const whereUnexpired = proofs.pwd === undefined ? sql`true` : sql`owner.password_expired = 0`;
  const whereNeeded = purpose === "enroll" ? sql`owner.mfa_enabled = 0` : sql`true`;
  const whereOwner = sql`${whereUnexpired} AND ${whereNeeded}`;
  return sql`(${wherePasswordInForce(userId, passwordVersion, whereOwner)} AND ${whereUnspent(id)})`;
}

/** Spends an `mfa_token` where the condition holds. */
export function spendMfaToken(db: Db, { id, expiresAt }: MfaTokenClaims, condition: SQL) {
  return insertSpentToken(db, { id, expiresAt }, condition);
}
