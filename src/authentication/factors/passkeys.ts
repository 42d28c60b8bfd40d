import { sql } from "drizzle-orm";
import { retryOnConflict } from "../../audit/commit.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { type KeepAnswer, requireUnanswered } from "../../idempotency/answers.ts";
import { newId } from "../../lib/ids.ts";
import { createRegistrationOptions, type RegistrationOptions } from "../../lib/webauthn/options.ts";
import { COSE_ALGORITHMS } from "../../lib/webauthn/public-key.ts";
import { type VerifiedRegistration, verifyRegistration } from "../../lib/webauthn/registration.ts";
import {
  CEREMONY_MS,
  checkChallenge,
  createChallenge,
  describePasskeys,
  toProofs,
} from "../passkeys/ceremony.ts";
import { requireRelyingParty } from "../passkeys/relying-party.ts";
import {
  findPasskey,
  insertPasskey,
  listPasskeys,
  MAX_PASSKEYS,
  whereCredentialFree,
  wherePasskeysLeft,
} from "../passkeys/repository.ts";
import { findSpentToken, insertSpentToken, whereUnspent } from "../spent-tokens/repository.ts";
import { type AddedFactor, commitFactor, type Enrollment, openEnrollment } from "./enrollment.ts";
import type { AddPasskey } from "./schema.ts";

/** Who adds a passkey, and the passkeys that they have. Throws what `openEnrollment` throws. */
export async function checkNewPasskey(ctx: Context, { mfa_token }: Partial<AddPasskey>) {
  const { enrollment, rows } = await openEnrollment(ctx, mfa_token, (userId) => ({
    passkeys: listPasskeys(ctx.db, userId),
  }));
  await requireUnanswered(ctx);
  return { enrollment, passkeys: rows.passkeys };
}

/**
 * The options with which the browser creates a passkey. Stores nothing. Throws what `openEnrollment` throws, `passkey_limit` and
 * `passkeys_unavailable`.
 */
export async function offerPasskey(
  ctx: Context,
  input: { mfa_token?: string | undefined },
): Promise<RegistrationOptions> {
  const { enrollment, passkeys } = await checkNewPasskey(ctx, input);
  const { id: userId, username } = enrollment.owner;
  const { id } = requireRelyingParty(ctx);
  if (passkeys.length >= MAX_PASSKEYS) throw new AppError("passkey_limit");
  return createRegistrationOptions({
    rp: { id, name: ctx.config.appName },
    user: { id: userId, name: username, displayName: username },
    challenge: await createChallenge(ctx, { purpose: "register", userId }),
    exclude: describePasskeys(passkeys),
    // A key without a PIN or a sensor cannot replace the password, but it can be a second factor.
    userVerification: "preferred",
    timeoutMs: CEREMONY_MS,
  });
}

/**
 * Adds a passkey that the browser has created. Throws what `openEnrollment` throws, `invalid_credential`, also for one that anyone has
 * registered, `passkey_limit` and `passkeys_unavailable`.
 */
export async function addPasskey(
  ctx: Context,
  input: AddPasskey,
  keep: KeepAnswer<AddedFactor>,
): Promise<AddedFactor> {
  const id = newId();
  return retryOnConflict(async () => {
    const { enrollment, passkeys } = await checkNewPasskey(ctx, input);
    const registration = await verifyCredential(enrollment, input.credential);
    if (passkeys.length >= MAX_PASSKEYS) throw new AppError("passkey_limit");
    const added = await commitPasskey(enrollment, { id, name: input.name, registration, keep });
    if (!added) await requireUsable(ctx, registration);
    return added;
  });
}

async function verifyCredential(
  { ctx, owner }: Enrollment,
  credential: unknown,
): Promise<VerifiedRegistration> {
  const { id: rpId, origins } = requireRelyingParty(ctx);
  const verdict = await verifyRegistration({
    credential,
    algorithms: COSE_ALGORITHMS,
    verifyChallenge: checkChallenge(ctx, { purpose: "register", userId: owner.id }),
    origins,
    rpId,
    requireUserVerification: false,
  });
  if (verdict.isVerified) return verdict;
  ctx.log("info", "passkey.refused", { reason: verdict.reason });
  throw new AppError("invalid_credential");
}

interface NewPasskey {
  id: string;
  name: string;
  registration: VerifiedRegistration;
  keep: KeepAnswer<AddedFactor>;
}

async function commitPasskey(
  enrollment: Enrollment,
  { id, name, registration, keep }: NewPasskey,
): Promise<AddedFactor | undefined> {
  const { ctx, owner, whereAllowed } = enrollment;
  const now = ctx.now();
  const { challenge, credentialId, publicKey, signCount } = registration;
  const { transports, isBackupEligible, isBackedUp, isUserVerified } = registration;
  const flags = { isBackupEligible, isBackedUp, isUserVerified };
  const whereNew = sql`${whereUnspent(challenge.id)} AND ${whereCredentialFree(credentialId)}`;
  const passkey = {
    id,
    userId: owner.id,
    name,
    createdAt: now,
    credentialId,
    publicKey,
    signCount,
    transports,
    ...flags,
  };
  const factor = {
    id,
    type: "passkey",
    name,
    createdAt: now,
    lastUsedAt: now,
    isBackedUp,
  } as const;
  return commitFactor(enrollment, {
    id,
    type: "passkey",
    name,
    proofs: toProofs(registration, now),
    change: insertPasskey(
      ctx.db,
      passkey,
      sql`${whereAllowed} AND ${whereNew} AND ${wherePasskeysLeft(owner.id)}`,
    ),
    keep: (recoveryCodes) => keep({ factor, recoveryCodes }, owner.id),
    effects: (recorded) => ({ challenge: insertSpentToken(ctx.db, challenge, recorded) }),
  });
}

// Another request may have used the challenge, or registered the credential.
async function requireUsable(
  { db, d1 }: Context,
  { challenge, credentialId }: VerifiedRegistration,
): Promise<void> {
  const { spent, taken } = await d1.send({
    spent: findSpentToken(db, challenge.id),
    taken: findPasskey(db, credentialId),
  });
  if (spent.length > 0 || taken.length > 0) throw new AppError("invalid_credential");
}
