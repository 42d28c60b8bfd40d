import type { Context } from "../../context.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { MINUTE } from "../../lib/time.ts";
import { describeError } from "../../platform/logger.ts";
import { ProviderFailure, toFailure } from "./failure.ts";
import { redeemGithub } from "./github.ts";
import { MAX_EMAIL_LENGTH, type ProviderCallback, type ProviderIdentity } from "./identity.ts";
import { redeemOpenId } from "./openid.ts";
import type { ProviderState } from "./state.ts";

/** How much the clocks of Roster and a provider may differ. */
const CLOCK_TOLERANCE_MS = MINUTE;

/**
 * Asks the provider who logged in. For a step-up, the provider must have authenticated them since it began. Sends requests to the
 * provider, stores nothing but its metadata and keys, and does not spend the state. Throws `ProviderFailure`, which is logged.
 */
export async function redeemCallback(
  ctx: Context,
  provider: Provider,
  callback: ProviderCallback,
): Promise<ProviderIdentity> {
  try {
    const redeem = provider.kind === "github" ? redeemGithub : redeemOpenId;
    const identity = withoutLongEmail(await redeem(ctx, provider, callback));
    if (callback.state.intent === "step_up") requireFresh(callback.state, identity);
    return identity;
  } catch (error) {
    const failure = toFailure(error);
    ctx.log(failure.error === "access_denied" ? "info" : "warn", "provider.failed", {
      provider: provider.id,
      result: failure.error,
      reason: failure.reason,
      ...(failure !== error && describeError(error)),
    });
    throw failure;
  }
}

// It would be stored with the identity, as it is.
function withoutLongEmail(identity: ProviderIdentity): ProviderIdentity {
  const { email = "" } = identity;
  if (email.length <= MAX_EMAIL_LENGTH) return identity;
  return { ...identity, email: undefined, isEmailVerified: false };
}

// Providers may ignore max_age.
function requireFresh({ startedAt }: ProviderState, { authenticatedAt }: ProviderIdentity): void {
  if (authenticatedAt !== undefined && authenticatedAt >= startedAt - CLOCK_TOLERANCE_MS) return;
  throw new ProviderFailure("server_error", "not_authenticated_again");
}
