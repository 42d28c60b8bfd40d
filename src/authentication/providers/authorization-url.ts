import { calculatePKCECodeChallenge } from "oauth4webapi";
import type { Context } from "../../context.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { SECOND } from "../../lib/time.ts";
import { githubServer } from "./github.ts";
import { findMetadata } from "./metadata.ts";
import { type AuthorizationRequest, mintState, STATE_MS } from "./state.ts";

/** The address at the provider to send a person to, and for how many seconds it works. */
export interface Authorization {
  url: string;
  expiresInSeconds: number;
}

/**
 * Starts an authorization code flow (OpenID Connect Core section 3.1.2.1) with PKCE, state and nonce. Stores nothing. Throws
 * `ProviderFailure` if the provider's metadata cannot be had.
 */
export async function createAuthorizationUrl(
  ctx: Context,
  provider: Provider,
  { loginHint, ...request }: AuthorizationRequest & { loginHint?: string | undefined },
): Promise<Authorization> {
  const isGithub = provider.kind === "github";
  const server = isGithub ? githubServer(provider) : await findMetadata(ctx, provider);
  const state = await mintState(ctx, provider, request);
  const url = new URL(String(server.authorization_endpoint));
  const parameters = {
    response_type: "code",
    client_id: provider.clientId,
    redirect_uri: provider.callbackUrl,
    scope: provider.scopes.join(" "),
    state: state.text,
    code_challenge: await calculatePKCECodeChallenge(state.codeVerifier),
    code_challenge_method: "S256",
    ...(!isGithub && { nonce: state.nonce }),
    ...(provider.kind === "apple" && { response_mode: "form_post" }),
    ...(request.intent === "step_up" && { max_age: "0" }),
    ...(loginHint !== undefined && { [isGithub ? "login" : "login_hint"]: loginHint }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, expiresInSeconds: STATE_MS / SECOND };
}
