import type { Context } from "../../context.ts";
import { AppError } from "../../errors.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { type CallbackError, ProviderFailure } from "../providers/failure.ts";
import { getProvider } from "../providers/list.ts";
import { redeemCallback } from "../providers/redeem.ts";
import { mayRedirectTo } from "../providers/redirects.ts";
import { type ProviderState, readState } from "../providers/state.ts";
import { findSpentToken } from "../spent-tokens/repository.ts";
import { mintCode } from "./codes.ts";

/** What a provider sends to the callback: the id of the provider in the path, and the query or the form. */
interface Callback {
  id: string;
  parameters: URLSearchParams;
}

/**
 * Finishes a login at a provider, and returns the address of the application to redirect to: with a code, or with an error if the login
 * failed. Nothing takes effect before the code is exchanged. Throws `provider_not_found`, and `invalid_state` for a state that was not
 * minted for this provider, has expired or was used, because then nobody knows where to redirect to.
 */
export async function finishCallback(ctx: Context, { id, parameters }: Callback): Promise<string> {
  const provider = getProvider(ctx, id);
  const state = await requireState(ctx, provider, parameters);
  try {
    const identity = await redeemCallback(ctx, provider, { state, parameters });
    const code = await mintCode(ctx, state, { provider: provider.id, identity });
    if (code === undefined) throw new AppError("invalid_state");
    return toRedirect(ctx, state, { code });
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return toRedirect(ctx, state, { error: error.error });
  }
}

async function requireState(
  ctx: Context,
  provider: Provider,
  parameters: URLSearchParams,
): Promise<ProviderState> {
  const [text = "", ...others] = parameters.getAll("state");
  const state = others.length > 0 ? undefined : await readState(ctx, provider, text);
  // The settings may have changed since.
  if (!state || !mayRedirectTo(ctx, state.redirectUri)) {
    throw new AppError("invalid_state");
  }
  // D1 decides once more when the code is stored. Until then, the provider is asked only for states that may succeed.
  const { spent } = await ctx.d1.send({ spent: findSpentToken(ctx.db, state.id) });
  if (spent.length > 0) throw new AppError("invalid_state");
  return state;
}

// `iss` tells an application which service has answered (RFC 9207). A redirect address may have a query, but no fragment.
function toRedirect(
  { config }: Context,
  { redirectUri, clientState }: ProviderState,
  result: { code: string } | { error: CallbackError },
): string {
  const parameters = new URLSearchParams(result);
  if (clientState !== undefined) parameters.set("state", clientState);
  parameters.set("iss", config.accessToken.issuer);
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${parameters}`;
}
