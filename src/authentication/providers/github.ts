import {
  type AuthorizationServer,
  authorizationCodeGrantRequest,
  ClientSecretPost,
  processAuthorizationCodeResponse,
  skipStateCheck,
  validateAuthResponse,
} from "oauth4webapi";
import { z } from "zod";
import type { Context } from "../../context.ts";
import type { Provider } from "../../lib/login-provider.ts";
import { ProviderFailure } from "./failure.ts";
import { MAX_NAME_LENGTH, type ProviderCallback, type ProviderIdentity } from "./identity.ts";
import { requestOptions, sendRequest } from "./requests.ts";

const User = z.object({
  id: z.int().positive(),
  login: z.string(),
  name: z.string().nullish(),
});

const Emails = z.array(
  z.object({ email: z.string(), primary: z.boolean(), verified: z.boolean() }),
);

/** GitHub speaks OAuth 2.0 and has no metadata. The issuer is the `iss` of its authorization responses (RFC 9207). */
export function githubServer({ authority }: Provider): AuthorizationServer {
  return {
    issuer: `${authority}/login/oauth`,
    authorization_endpoint: `${authority}/login/oauth/authorize`,
    token_endpoint: `${authority}/login/oauth/access_token`,
  };
}

/**
 * Redeems a callback of GitHub: the identity is the account's number, which never changes, and the address is the primary one.
 * Throws `ProviderFailure` and errors of oauth4webapi.
 */
export async function redeemGithub(
  ctx: Context,
  provider: Provider,
  { state, parameters }: ProviderCallback,
): Promise<ProviderIdentity> {
  const { credential, callbackUrl, clientId } = provider;
  if (credential.type !== "secret") throw new Error("GitHub without a client secret");
  const server = githubServer(provider);
  const client = { client_id: clientId };
  const response = await authorizationCodeGrantRequest(
    server,
    client,
    ClientSecretPost(credential.secret),
    validateAuthResponse(server, client, parameters, skipStateCheck),
    callbackUrl,
    state.codeVerifier,
    requestOptions(ctx),
  );
  const { access_token } = await processAuthorizationCodeResponse(server, client, response);
  const user = User.parse(await askApi(ctx, provider, "/user", access_token));
  const emails = Emails.parse(
    await askApi(ctx, provider, "/user/emails?per_page=100", access_token),
  );
  const primary = emails.find((one) => one.primary && one.verified);
  return {
    issuer: provider.issuer,
    subject: String(user.id),
    email: primary?.email,
    isEmailVerified: primary !== undefined,
    name: (user.name ?? user.login).slice(0, MAX_NAME_LENGTH),
  };
}

async function askApi(
  ctx: Context,
  { authority, issuer }: Provider,
  path: string,
  token: string,
): Promise<unknown> {
  // As for GitHub Enterprise Server, if it is not github.com.
  const api = authority === issuer ? "https://api.github.com" : `${authority}/api/v3`;
  const response = await sendRequest(ctx, `${api}${path}`, {
    method: "GET",
    headers: {
      Accept: "application/vnd.github+json",
      Authorization: `Bearer ${token}`,
      "X-GitHub-Api-Version": "2022-11-28",
    },
  });
  if (response.status !== 200)
    throw new ProviderFailure("server_error", `status_${response.status}`);
  return response.json();
}
