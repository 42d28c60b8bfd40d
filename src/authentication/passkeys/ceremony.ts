import { type SQL, sql } from "drizzle-orm";
import type { Proofs } from "../../access/assurance.ts";
import { type Context, momentOf } from "../../context.ts";
import type { Statements } from "../../db/connection.ts";
import { AppError } from "../../errors.ts";
import { expiredUntil, MINUTE } from "../../lib/time.ts";
import { type VerifiedAssertion, verifyAssertion } from "../../lib/webauthn/assertion.ts";
import {
  type ChallengeScope,
  type MintedChallenge,
  mintChallenge,
  verifyChallenge,
} from "../../lib/webauthn/challenge.ts";
import {
  type AuthenticationOptions,
  createAuthenticationOptions,
  toUserHandle,
} from "../../lib/webauthn/options.ts";
import { algorithmOf } from "../../lib/webauthn/public-key.ts";
import type { Verdict } from "../../lib/webauthn/verdict.ts";
import { insertSpentToken, whereUnspent } from "../spent-tokens/repository.ts";
import { requireRelyingParty } from "./relying-party.ts";
import {
  type ListedPasskey,
  type PasskeyRow,
  recordPasskeyUse,
  wherePasskeyHeld,
} from "./repository.ts";

/** How long a ceremony may take. */
export const CEREMONY_MS = 5 * MINUTE;

/** A challenge for a ceremony that begins now. Stores nothing. */
export function createChallenge({ config, now }: Context, scope: ChallengeScope): Promise<string> {
  return mintChallenge({ ...scope, expiresAt: now() + CEREMONY_MS }, config.macKeys);
}

/**
 * The check of a challenge that must have been created for this scope, and not before the revocation epoch: a restore of the database
 * forgets that it was used.
 */
export function checkChallenge(ctx: Context, scope: ChallengeScope) {
  const voidUntil = expiredUntil(momentOf(ctx), CEREMONY_MS);
  return (text: string): Promise<Verdict<MintedChallenge>> =>
    verifyChallenge(text, scope, ctx.config.macKeys, voidUntil);
}

/** What `lib/webauthn` needs of stored passkeys. */
export function describePasskeys(passkeys: readonly ListedPasskey[]) {
  return passkeys.map(({ credentialId, transports }) => ({
    credentialId: credentialId ?? "",
    transports: transports ?? [],
  }));
}

/** The options for an assertion with one of these passkeys. Throws `passkey_missing` without any, and `passkeys_unavailable`. */
export async function createFactorOptions(
  ctx: Context,
  scope: ChallengeScope,
  passkeys: readonly ListedPasskey[],
): Promise<AuthenticationOptions> {
  const { id: rpId } = requireRelyingParty(ctx);
  // Without a list, any passkey of the service would do.
  if (passkeys.length === 0) throw new AppError("passkey_missing");
  return createAuthenticationOptions({
    rpId,
    challenge: await createChallenge(ctx, scope),
    allow: describePasskeys(passkeys),
    userVerification: "preferred",
    timeoutMs: CEREMONY_MS,
  });
}

/** What a ceremony proves: possession of a passkey, and that the authenticator has checked the user. */
export function toProofs(
  { isBackupEligible, isUserVerified }: { isBackupEligible: boolean; isUserVerified: boolean },
  now: number,
): Proofs {
  return { [isBackupEligible ? "swk" : "hwk"]: now, ...(isUserVerified && { user: now }) };
}

interface AssertionCheck {
  /** As the client sent it. */
  credential: unknown;
  passkey: PasskeyRow;
  scope: ChallengeScope;
}

/** A correct assertion. The change that it allows has the condition `whereProven`, and the effects. */
interface ProvenAssertion {
  proofs: Proofs;
  /** True while the passkey exists and the challenge is unspent. */
  whereProven: SQL;
  effects: (recorded: SQL) => Statements;
  /** For the audit event of the change. */
  metadata: { sign_count_regressed?: true };
}

/**
 * Verifies an assertion with a stored passkey. For a login without anything else, the authenticator must have checked its user, and
 * name them. Undefined if it is wrong. Throws `passkeys_unavailable`.
 */
export async function proveAssertion(
  ctx: Context,
  check: AssertionCheck,
): Promise<ProvenAssertion | undefined> {
  const examined = await examineAssertion(ctx, check);
  if (examined.isVerified) return describeProof(ctx, check.passkey, examined);
  // The client is told only that the credential is wrong.
  ctx.log("info", "passkey.refused", { reason: examined.reason });
  return undefined;
}

type Examined = Verdict<VerifiedAssertion> | { isVerified: false; reason: OwnRefusal };
type OwnRefusal = "wrong_user_handle" | "user_verification_not_initialized";

async function examineAssertion(
  ctx: Context,
  { credential, passkey, scope }: AssertionCheck,
): Promise<Examined> {
  const { id: rpId, origins } = requireRelyingParty(ctx);
  const isAlone = scope.purpose === "login";
  const verdict = await verifyAssertion({
    credential,
    stored: toStored(passkey),
    verifyChallenge: checkChallenge(ctx, scope),
    origins,
    rpId,
    requireUserVerification: isAlone,
  });
  if (!verdict.isVerified) return verdict;
  const { userHandle } = verdict;
  const isNamed = userHandle === toUserHandle(passkey.userId);
  const mayBeUnnamed = !isAlone && userHandle === undefined;
  if (!isNamed && !mayBeUnnamed) return { isVerified: false, reason: "wrong_user_handle" };
  // Whoever finds a security key without a PIN can set one. So a check of the user counts only if the passkey was registered with one,
  // or once it comes beside another factor (`uvInitialized`, WebAuthn section 7.2).
  const isInitialized = passkey.isUserVerified !== false || scope.purpose === "mfa";
  if (isAlone && !isInitialized) {
    return { isVerified: false, reason: "user_verification_not_initialized" };
  }
  return { ...verdict, isUserVerified: verdict.isUserVerified && isInitialized };
}

function describeProof(
  { db, now }: Context,
  passkey: PasskeyRow,
  {
    challenge,
    newSignCount: signCount,
    isBackedUp,
    isUserVerified,
    hasRegressed,
  }: VerifiedAssertion,
): ProvenAssertion {
  const use = { id: passkey.id, signCount, isBackedUp, isUserVerified, now: now() };
  const isBackupEligible = passkey.isBackupEligible === true;
  return {
    proofs: toProofs({ isBackupEligible, isUserVerified }, now()),
    whereProven: sql`(${wherePasskeyHeld(passkey)} AND ${whereUnspent(challenge.id)})`,
    effects: (recorded) => ({
      challenge: insertSpentToken(db, challenge, recorded),
      passkey: recordPasskeyUse(db, use, recorded),
    }),
    metadata: hasRegressed ? { sign_count_regressed: true } : {},
  };
}

function toStored({ credentialId, publicKey, signCount, isBackupEligible }: PasskeyRow) {
  if (credentialId === null || publicKey === null) throw new Error("a passkey without its key");
  return {
    credentialId,
    publicKey,
    algorithm: algorithmOf(publicKey),
    signCount: signCount ?? 0,
    isBackupEligible: isBackupEligible === true,
  };
}
