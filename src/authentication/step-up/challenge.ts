import { read } from "../../access/read.ts";
import type { Context } from "../../context.ts";
import type { AuthenticationOptions } from "../../lib/webauthn/options.ts";
import { createFactorOptions } from "../passkeys/ceremony.ts";
import { listPasskeys } from "../passkeys/repository.ts";

/** The options for a step-up of the caller with a passkey. Stores nothing. Throws `passkey_missing` and `passkeys_unavailable`. */
export async function challengeStepUp(
  ctx: Context,
  userId: string,
): Promise<AuthenticationOptions> {
  const { passkeys } = await read(ctx, { passkeys: listPasskeys(ctx.db, userId) });
  return createFactorOptions(ctx, { purpose: "step_up", userId }, passkeys);
}
