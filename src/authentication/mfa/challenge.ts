import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import type { AuthenticationOptions } from "../../lib/webauthn/options.ts";
import { findMfaOwner, readMfaToken } from "../factors/mfa-token.ts";
import { createFactorOptions } from "../passkeys/ceremony.ts";
import { listPasskeys } from "../passkeys/repository.ts";
import type { ChallengeMfa } from "./schema.ts";

/**
 * The options for completing a login with a passkey. Stores nothing. Throws `invalid_mfa_token`, `passkey_missing` and
 * `passkeys_unavailable`.
 */
export async function challengeMfa(
  ctx: Context,
  { mfa_token }: ChallengeMfa,
): Promise<AuthenticationOptions> {
  const token = await readMfaToken(ctx, mfa_token, "verify");
  const { userId } = token;
  const { owners, passkeys } = await ctx.d1.send({
    owners: findMfaOwner(ctx.db, token),
    passkeys: listPasskeys(ctx.db, userId),
  });
  if (owners.length === 0) throw new AppError("invalid_mfa_token");
  return createFactorOptions(ctx, { purpose: "mfa", userId }, passkeys);
}
