import { countUnattributed } from "../../audit/unattributed.ts";
import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import { NIL_ID } from "../../lib/ids.ts";
import { readAssertion } from "../../lib/webauthn/assertion.ts";
import {
  type AuthenticationOptions,
  createAuthenticationOptions,
} from "../../lib/webauthn/options.ts";
import {
  CEREMONY_MS,
  checkChallenge,
  createChallenge,
  proveAssertion,
} from "../passkeys/ceremony.ts";
import { requireRelyingParty } from "../passkeys/relying-party.ts";
import { findPasskey, type PasskeyRow, selectPasskeyOwner } from "../passkeys/repository.ts";
import { findLoginUser } from "../passwords/repository.ts";
import type { TokenSet } from "../sessions/tokens.ts";
import { countRefusal } from "./count-refusal.ts";
import { finishFirstFactor } from "./gate.ts";
import { requireVerifiedEmail } from "./refusals.ts";
import type { PasskeyLogin } from "./schema.ts";

const scope = { purpose: "login" } as const;

/** The options for a login with any passkey of the service. Stores nothing and does no I/O. Throws `passkeys_unavailable`. */
export async function offerPasskeyLogin(ctx: Context): Promise<AuthenticationOptions> {
  return createAuthenticationOptions({
    rpId: requireRelyingParty(ctx).id,
    challenge: await createChallenge(ctx, scope),
    allow: [],
    userVerification: "required",
    timeoutMs: CEREMONY_MS,
  });
}

/**
 * Logs in with a passkey that has checked its user. An unknown passkey, a wrong signature and an account that cannot log in take the
 * same work. Throws `invalid_credentials`, `email_not_verified` and `passkeys_unavailable`.
 */
export function logInByPasskey(ctx: Context, input: PasskeyLogin): Promise<TokenSet> {
  return countRefusal(ctx, () => checkAndBegin(ctx, input));
}

async function checkAndBegin(ctx: Context, { credential }: PasskeyLogin): Promise<TokenSet> {
  requireRelyingParty(ctx);
  const claimed = readAssertion(credential);
  if (!claimed) throw new AppError("invalid_credentials");
  // Before D1 is asked.
  const challenge = await checkChallenge(ctx, scope)(claimed.challenge);
  if (!challenge.isVerified) throw new AppError("invalid_credentials");
  const { credentialId } = claimed;
  const { passkeys, owners } = await ctx.d1.send({
    passkeys: findPasskey(ctx.db, credentialId),
    owners: findLoginUser(ctx.db, { kind: "id", key: selectPasskeyOwner(credentialId) }),
  });
  const passkey = passkeys[0] ?? toDecoy(credentialId);
  const proven = await proveAssertion(ctx, { credential, passkey, scope });
  const [owner] = owners;
  if (!proven || !owner?.isActive) throw await refuseLogin(ctx);
  await requireVerifiedEmail(ctx, owner);
  return finishFirstFactor(ctx, { owner, ...proven });
}

// Counted, not recorded: everyone who knows a credential id can cause it.
async function refuseLogin(ctx: Context): Promise<AppError> {
  await ctx.d1.send({ counted: countUnattributed(ctx, "auth.login_failed") });
  return new AppError("invalid_credentials");
}

/** The base point of P-256. Whoever signs with its private key, 1, has no account. */
const DECOY_KEY = {
  kty: "EC",
  crv: "P-256",
  x: "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
  y: "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
};

function toDecoy(credentialId: string): PasskeyRow {
  const publicKey = JSON.stringify(DECOY_KEY);
  const flags = { isBackupEligible: false, isUserVerified: true };
  return { id: NIL_ID, userId: NIL_ID, credentialId, publicKey, signCount: 0, ...flags };
}
